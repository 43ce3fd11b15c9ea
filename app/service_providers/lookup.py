"""Finds service providers by id, for the services of all domains."""

from app.audit.rows import Rows
from app.foundation.identifiers import Kind
from app.service_providers.model import ServiceProvider

SERVICE_PROVIDERS = Rows(ServiceProvider, Kind.SERVICE_PROVIDER, "service provider")
