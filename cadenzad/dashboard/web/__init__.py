"""The dashboard's server: Starlette on uvicorn, of the extra `dashboard`."""
