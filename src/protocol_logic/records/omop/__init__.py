"""OMOP CDM 5.3 and 5.4: each row as the small FHIR resource that the readers of FHIR take."""
