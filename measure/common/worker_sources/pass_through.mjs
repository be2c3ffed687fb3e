// The simplest pass-through in JavaScript: every request goes to one origin, unchanged.
import ORIGINS from "origins.json";

const ORIGIN = ORIGINS[0];

export default {
  fetch(request) {
    const url = new URL(request.url);
    return fetch(ORIGIN + url.pathname + url.search, request);
  },
};
