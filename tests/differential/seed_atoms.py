"""The atoms of ``seed_cases/README.md`` and what the seed protocol calls them."""

ATOMS = {
    "female": "sex is female",
    "age_ge_18": "age >= 18 years",
    "ecog_0_1": "ecog <= 1",
    "life_expectancy_ge_12wk": "life_expectancy >= 12 weeks",
    "breast_cancer": "breast_cancer",
    "histology_confirmed": "breast_cancer confirmed by histology",
    "er_positive": "er is positive",
    "pr_positive": "pr is positive",
    "her2_negative": "her2 is negative",
    "locally_advanced": "locally_advanced",
    "metastatic": "metastatic",
    "not_premenopausal": "not menopausal_status is premenopausal",
    "ofs_in_effect": "ovarian_suppression",
    "measurable_lesion": "measurable_lesion is yes",
    "chemo_lines_le_1": "lines of chemotherapy with intent palliative <= 1",
    "adjuvant_relapse": "there is course of endocrine_therapy with intent adjuvant, "
    "called adjuvant; relapse from start of adjuvant to 12 months after end of adjuvant; "
    "adjuvant lasted >= 24 months at relapse",
    "salvage_progression": "there is course of endocrine_therapy with intent palliative, "
    "called salvage; progression on or after start of salvage; "
    "salvage lasted >= 6 months at progression",
    "hgb_ge_90": "hemoglobin >= 90 g/L",
    "anc_ge_1_5": "neutrophils >= 1.5 10*9/L",
    "plt_ge_80": "platelets >= 80 10*9/L",
    "tbil_le_1_5_uln": "bilirubin <= 1.5 x ULN",
    "alt_le_2_5_uln": "alt <= 2.5 x ULN",
    "alt_le_5_uln": "alt <= 5 x ULN",
    "ast_le_2_5_uln": "ast <= 2.5 x ULN",
    "ast_le_5_uln": "ast <= 5 x ULN",
    "liver_metastasis": "liver_metastasis",
    "cr_le_1_5_uln": "creatinine <= 1.5 x ULN",
    "crcl_ge_60": "creatinine_clearance >= 60 mL/min",
    "consent_signed": "attested informed_consent",
}
