"""Routes of the HTTP API, by resource. Each module has one function `<name>_routes(services) -> APIRouter`."""
