"""The admin side: operators, their calls, the API and the pages."""
