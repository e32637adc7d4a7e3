"""FHIR, CSV and OMOP records to facts with provenance."""
