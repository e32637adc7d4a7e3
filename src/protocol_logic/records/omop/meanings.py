"""What concepts of OMOP mean where FHIR says it by codes of its own.

Source: docs/omop.md, which has these tables with the pages of the OMOP CDM and the vocabularies.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

SYSTEMS = {
    "SNOMED": "http://snomed.info/sct",
    "LOINC": "http://loinc.org",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "UCUM": "http://unitsofmeasure.org",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "ATC": "http://www.whocc.no/atc",
}
"""vocabulary_id -> URL of the code system. One that is not here is named as OMOP does."""

SEXES = {"8507": "male", "8532": "female", "8521": "other", "8551": "unknown"}

Taken: TypeAlias = Literal[
    "MedicationRequest",
    "MedicationDispense",
    "MedicationAdministration",
    "MedicationStatement",
]

DRUG_TYPES: dict[str, Taken] = {
    "38000177": "MedicationRequest",  # Prescription written
    "32838": "MedicationRequest",  # EHR prescription
    "32839": "MedicationRequest",  # EHR prescription issue record
    "32833": "MedicationRequest",  # EHR order
    "38000175": "MedicationDispense",  # Prescription dispensed in pharmacy
    "38000176": "MedicationDispense",  # Prescription dispensed through mail order
    "581452": "MedicationDispense",  # Dispensed in Outpatient office
    "32825": "MedicationDispense",  # EHR dispensing record
    "32857": "MedicationDispense",  # Mail order record
    "32869": "MedicationDispense",  # Pharmacy claim
    "38000179": "MedicationAdministration",  # Physician administered drug (procedure)
    "43542356": "MedicationAdministration",  # ... (EHR problem list)
    "43542357": "MedicationAdministration",  # ... (referral record)
    "43542358": "MedicationAdministration",  # ... (EHR observation)
    "581373": "MedicationAdministration",  # ... (EHR order)
    "38000180": "MedicationAdministration",  # Inpatient administration
    "32818": "MedicationAdministration",  # EHR administration record
    "38000178": "MedicationStatement",  # Medication list entry
    "32830": "MedicationStatement",  # EHR medication list
    "44787730": "MedicationStatement",  # Patient Self-Reported Medication
    "32865": "MedicationStatement",  # Patient self-report
}
"""drug_type_concept_id -> what such a row is. Any other may have been ordered only."""

COMPARATORS = {
    "4171756": "<",
    "4171754": "<=",
    "4171755": ">=",
    "4172704": ">",
    "4172703": None,
}
"""operator_concept_id -> comparator; 4172703 is `=`."""

UNSURE = {
    "32899": "provisional",  # Preliminary diagnosis
    "4188893": "unconfirmed",  # History of: whether it is there now is not said
}
"""condition_status_concept_id -> verificationStatus."""

VISITS = {"9201": "IMP", "262": "IMP", "9202": "AMB", "9203": "EMER"}
"""visit_concept_id -> class; 262 is an emergency visit that became a stay."""

FINDINGS = frozenset({"Clinical Finding", "Context-dependent", "Disorder"})
"""Classes of SNOMED CT of which a row of OBSERVATION without a value states that it is so."""
