// The JavaScript reference for Evenkeel: it keeps the health of two servers in memory, probes them
// within a request when that is stale, sends the request to the first healthy one, names it in
// X-Served-By of request and response, and tries the other one once if a fetch fails.
import ORIGINS from "origins.json";

const SERVERS = ORIGINS.map((url, index) => ({
  url,
  name: `Server ${index + 1}`,
  healthCheckPath: "/health",
}));
const HEALTH_CHECK_TIMEOUT = 5000;
const HEALTH_CHECK_INTERVAL = 30000;

const serverHealth = {};

async function checkHealth(server) {
  try {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), HEALTH_CHECK_TIMEOUT);
    const response = await fetch(server.url + server.healthCheckPath, {
      method: "GET",
      signal: controller.signal,
      headers: { "User-Agent": "Cloudflare-Worker-HealthCheck" },
    });
    clearTimeout(timer);
    return response.status >= 200 && response.status < 400;
  } catch (error) {
    console.log(`Health check failed for ${server.name}:`, error.message);
    return false;
  }
}

async function getAvailableServer() {
  for (const server of SERVERS) {
    const lastCheck = serverHealth[server.url]?.lastCheck || 0;
    const now = Date.now();
    if (now - lastCheck > HEALTH_CHECK_INTERVAL) {
      serverHealth[server.url] = { healthy: await checkHealth(server), lastCheck: now };
    }
  }
  for (const server of SERVERS) {
    if (serverHealth[server.url]?.healthy) {
      return server;
    }
  }
  console.log("No healthy server found, using fallback");
  return SERVERS[0];
}

export default {
  async fetch(request) {
    const server = await getAvailableServer();
    const url = new URL(request.url);
    const forwarded = new Request(new URL(url.pathname + url.search, server.url), {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "follow",
    });
    forwarded.headers.set("X-Served-By", server.name);
    try {
      const response = await fetch(forwarded);
      const answer = new Response(response.body, response);
      answer.headers.set("X-Served-By", server.name);
      return answer;
    } catch {
      console.log(`Error while accessing ${server.name}, trying fallback`);
      const other = SERVERS.find((candidate) => candidate.url !== server.url);
      if (other) {
        return fetch(
          new Request(new URL(url.pathname + url.search, other.url), {
            method: request.method,
            headers: request.headers,
            body: request.body,
            redirect: "follow",
          }),
        );
      }
      return new Response("All servers are unavailable", { status: 503 });
    }
  },
};
