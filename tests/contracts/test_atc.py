"""Drugs of an ATC group are kinds of the class that stands for it, so that no complete list denies
the class beside one of them. The groups were written down apart from the knowledge base.

Source: WHO Collaborating Centre for Drug Statistics Methodology, ATC index 2024.
"""

from __future__ import annotations

import re

import pytest

from protocol_logic.knowledge.vocabulary import Concept
from tests.contracts.test_knowledge import everything

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
GROUPS = {
    "A10A": "insulin, insulin aspart, insulin glargine, insulin lispro",
    "A10BA": "metformin",
    "A10BB": "chlorpropamide, glimepiride, glipizide, glyburide",
    "A10BG": "pioglitazone, rosiglitazone",
    "A10BH": "alogliptin, linagliptin, saxagliptin, sitagliptin",
    "A10BJ": "dulaglutide, exenatide, liraglutide, semaglutide",
    "A10BK": "canagliflozin, dapagliflozin, empagliflozin",
    "B01AA": "acenocoumarol, jantoven, phenprocoumon, warfarin, warfarin sodium",
    "B01AB": "dalteparin, dalteparin sodium, enoxaparin, heparin",
    "B01AC": "aspirin, cilostazol, clopidogrel, prasugrel",
    "B01AD": "alteplase, anistreplase, reteplase, streptokinase, tenecteplase, urokinase",
    "B01AE": "argatroban, bivalirudin, dabigatran etexilate, desirudin",
    "B01AF": "apixaban, edoxaban, rivaroxaban",
    "B01AX": "fondaparinux, fondaparinux sodium",
    "C01": "amiodarone, digoxin, dobutamine, dopamine, norepinephrine",
    "C02A": "clonidine, guanfacine, methyldopa, moxonidine",
    "C02C": "doxazosin, prazosin",
    "C02D": "hydralazine, minoxidil",
    "C03A": "hydrochlorothiazide",
    "C03B": "chlorthalidone",
    "C03C": "bumetanide, furosemide, torsemide",
    "C03DA": "eplerenone, finerenone, spironolactone",
    "C03DB": "amiloride, triamterene",
    "C07": "acebutolol, atenolol, betaxolol, bisoprolol, carvedilol, esmolol, labetalol, "
    "metoprolol, nadolol, nebivolol, pindolol, propranolol, sotalol, timolol",
    "C08C": "amlodipine, clevidipine, felodipine, isradipine, lercanidipine, nicardipine, "
    "nifedipine, nimodipine, nisoldipine",
    "C08D": "diltiazem, verapamil",
    "C09A": "benazepril, captopril, enalapril, fosinopril, lisinopril, moexipril, perindopril, "
    "quinapril, ramipril, trandolapril",
    "C09C": "azilsartan, candesartan, eprosartan, irbesartan, losartan, olmesartan, telmisartan, "
    "valsartan",
    "C09XA": "aliskiren",
    "C10AA": "atorvastatin, fluvastatin, lovastatin, pitavastatin, pravastatin, rosuvastatin, "
    "simvastatin",
    "H01": "vasopressin (usp)",
    "H02AB": "dexamethasone, hydrocortisone, methylprednisolone, prednisolone, prednisone",
    "J01": "amikacin, amoxicillin, ampicillin, cefazolin, cefepime, ceftriaxone, cefuroxime, "
    "cephalexin, ciprofloxacin, clarithromycin, doxycycline, erythromycin, gentamicin, "
    "levofloxacin, linezolid, meropenem, metronidazole, moxifloxacin, nitrofurantoin, "
    "penicillin g, penicillin v, piperacillin, streptomycin, sulfadiazine, "
    "sulfamethoxazole, sulfisoxazole, telithromycin, tetracycline, tobramycin, "
    "trimethoprim, vancomycin",
    "J02": "itraconazole, ketoconazole, posaconazole, voriconazole",
    "J04AB": "rifampin",
    "J04": "dapsone, isoniazid",
    "J05": "atazanavir, indinavir, nelfinavir, remdesivir, ribavirin, ritonavir, saquinavir, "
    "sofosbuvir, zidovudine",
    "L01A": "bendamustine, carmustine, cyclophosphamide, ifosfamide, lomustine, melphalan, "
    "temozolomide, thiotepa",
    "L01B": "capecitabine, fluorouracil, gemcitabine, pemetrexed",
    "L01C": "cabazitaxel, docetaxel, etoposide, irinotecan, paclitaxel, topotecan, vinblastine, "
    "vincristine, vinorelbine",
    "L01D": "doxorubicin, epirubicin, ixabepilone, mitoxantrone",
    "L01EA": "imatinib",
    "L01EB": "afatinib, afatinib dimaleate, dacomitinib, dacomitinib anhydrous, erlotinib, "
    "erlotinib hydrochloride, gefitinib, gilotrif, iressa, mobocertinib, osimertinib, "
    "osimertinib mesylate, tagrisso, tarceva, vizimpro",
    "L01EC": "dabrafenib",
    "L01ED": "alectinib, brigatinib, ceritinib, crizotinib, lorlatinib",
    "L01EE": "trametinib",
    "L01EF": "abemaciclib, palbociclib, ribociclib",
    "L01EG": "everolimus",
    "L01EH": "lapatinib, lapatinib ditosylate, neratinib, neratinib maleate, nerlynx, tucatinib, "
    "tukysa, tykerb",
    "L01EK": "axitinib",
    "L01EX": "cabozantinib, caprelsa, pazopanib, regorafenib, sorafenib, sunitinib, vandetanib",
    "L01F": "atezolizumab, avelumab, bevacizumab, cemiplimab, durvalumab, ipilimumab, "
    "nivolumab, pembrolizumab, ramucirumab, rituximab",
    "L01FD": "ado-trastuzumab emtansine, enhertu, fam-trastuzumab deruxtecan-nxki, herceptin, "
    "kadcyla, perjeta, pertuzumab, pertuzumab-zzxf, phesgo, trastuzumab, trastuzumab deruxtecan, "
    "trastuzumab-anns, trastuzumab-dkst, trastuzumab-dttb, trastuzumab-oysk, trastuzumab-pkrb, "
    "trastuzumab-qyyp",
    "L01FE": "cetuximab, erbitux, necitumumab, panitumumab, portrazza, vectibix",
    "L01XA": "carboplatin, cisplatin, oxaliplatin, platinum",
    "L01XG": "bortezomib",
    "L01XK": "olaparib",
    "L01XX": "aflibercept, eribulin",
    "L02AE": "goserelin, leuprolide",
    "L02B": "anastrozole, exemestane, fulvestrant, letrozole, tamoxifen, toremifene",
    "L03": "filgrastim, pegfilgrastim, peginterferon alfa-2a, peginterferon alfa-2b",
    "L04": "adalimumab, azathioprine, cyclosporine, etanercept, everolimus, infliximab, "
    "leflunomide, methotrexate, mycophenolate mofetil, mycophenolic acid, sirolimus, "
    "tacrolimus, tocilizumab",
    "M01A": "ibuprofen, naproxen",
    "M04": "allopurinol, probenecid",
    "N02A": "fentanyl, hydrocodone, morphine, oxycodone",
    "N02B": "acetaminophen",
    "N03": "carbamazepine, phenobarbital, phenytoin",
    "N06A": "amitriptyline, bupropion, citalopram, clomipramine, desipramine, doxepin, duloxetine, "
    "escitalopram, fluoxetine, fluvoxamine, imipramine, mirtazapine, nefazodone, nortriptyline, "
    "paroxetine, protriptyline, sertraline, trimipramine, venlafaxine, vortioxetine",
    "P01": "pentamidine",
    "R03": "albuterol, salmeterol",
}
"""ATC group -> ingredients, under the names that RxNorm has for them."""
CLASSES = {
    "oral_hypoglycemic": "A10BA A10BB A10BG A10BH A10BK",
    "anticoagulant": "B01AA B01AB B01AE B01AF B01AX",
    "antiplatelet": "B01AC",
    "thrombolytic": "B01AD",
    "beta_blocker": "C07",
    "diuretic": "C03",
    "thiazide": "C03A C03B",
    "loop_diuretic": "C03C",
    "potassium_sparing_diuretic": "C03D",
    "mineralocorticoid_receptor_antagonist": "C03DA",
    "antihypertensive": "C02 C03 C07 C08 C09",
    "ace_inhibitor": "C09A",
    "angiotensin_receptor_blocker": "C09C",
    "statin": "C10AA",
    "corticosteroid": "H02AB",
    "antibiotic": "J01 J04AB",
    "anti_infective": "J01 J02 J04 J05 P01",
    "antineoplastic": "L01 L02",
    "chemotherapy": "L01A L01B L01C L01D L01XA",
    "targeted_therapy": "L01E L01XG L01XK",
    "endocrine_therapy": "L02B",
    "cdk4_6_inhibitor": "L01EF",
    "egfr_inhibitor": "L01EB L01FE",
    "egfr_tyrosine_kinase_inhibitor": "L01EB",
    "egfr_antibody": "L01FE",
    "her2_directed_therapy": "L01EH L01FD",
    "immunosuppressant": "L04",
    "nsaid": "M01A",
    "anticonvulsant": "N03",
    "opioid_analgesic": "N02A",
    "antidepressant": "N06A",
}


NAME = re.compile(r"[A-Za-z-]+( [A-Za-z-]+)?( \(USP\))?|peginterferon .*")


@pytest.fixture(scope="module")
def medications() -> dict[str, Concept]:
    found = everything().vocabulary.of(Concept)
    return {each.name: each for each in found if each.kind == "medication"}


def ingredients(medications: dict[str, Concept]) -> dict[str, str]:
    """Ingredient -> the entry that has its code."""
    return {
        code.display.casefold(): entry.name
        for entry in medications.values()
        for code in entry.codes
        if code.system == RXNORM and NAME.fullmatch(code.display)
    }


def test_each_ingredient_of_the_groups_is_known_and_one_of_its_class(
    medications: dict[str, Concept],
) -> None:
    held = ingredients(medications)

    def above(name: str) -> set[str]:
        parents = medications[name].parents
        return {name}.union(*(above(parent) for parent in parents if parent in medications))

    wrong = []
    for group, names in GROUPS.items():
        for name in names.split(", "):
            entry = held.get(name)
            classes = [c for c, its in CLASSES.items() if group.startswith(tuple(its.split()))]
            wrong += [
                f"{name} ({group}) is no {each}"
                for each in classes
                if entry is not None and each not in above(entry)
            ]
    assert wrong == []


def test_each_ingredient_of_the_knowledge_base_has_a_group(medications: dict[str, Concept]) -> None:
    grouped = {name for names in GROUPS.values() for name in names.split(", ")}
    assert sorted(ingredients(medications).keys() - grouped) == []
