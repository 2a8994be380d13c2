"""Which of a few languages a message is in, and its greetings. By its small words; English when unsure."""

from collections.abc import Collection
from typing import Literal

from knowledge.verify import words_of
from platform_api.llm.frames import FrameName, Language

_SMALL: dict[Language, str] = {
    "de": """der die das und ist ich wir sie mein meine wie wo was wann wer warum wieviel viele nicht ein
        eine einen für auf mit kann darf muss gibt es bekomme haben habe im den dem zu""",
    "fr": """de le la les et est je nous vous mon ma mes comment où quand qui pourquoi combien pas un une des
        pour avec puis dois peut y a du que quel quelle quels quelles ai avons""",
    "es": """de el los las y es yo nosotros mi mis cómo dónde cuándo quién por qué cuánto cuántos cuántas no
        un una para con puedo debo hay del que cuál tengo tenemos""",
    "it": """il lo gli e è io noi mio mia come dove quando chi perché quanto quanti quante non un una per con
        posso devo c'è del della che quale ho abbiamo giorni""",
    "pt": """de o os as e é eu nós meu minha como onde quando quem quanto quantos quantas não um uma para com
        posso devo há do da que qual tenho temos""",
    "nl": """de het en is ik wij we mijn hoe waar wanneer wie waarom hoeveel niet een voor met kan mag moet
        er van op te heb hebben krijg""",
}
_FEWEST, _SHARE = 2, 0.35
_TELLING, _SHORT = 4, frozenset(["olá", "ola"])  # letters; "u" and "auf" alone are no goodbye
_TALK: dict[Language, dict[Literal["greeting", "thanks", "goodbye"], str]] = {
    "de": {
        "greeting": "hallo moin servus grüezi guten tag morgen abend zusammen grüß gott",
        "thanks": "danke dankeschön vielen dank schön sehr besten",
        "goodbye": "tschüss tschüs wiedersehen auf ade",
    },
    "fr": {
        "greeting": "bonjour salut bonsoir coucou",
        "thanks": "merci beaucoup bien",
        "goodbye": "revoir au adieu bientôt",
    },
    "es": {
        "greeting": "hola buenos buenas días dias tardes noches",
        "thanks": "gracias muchas mil",
        "goodbye": "adiós adios hasta luego",
    },
    "it": {
        "greeting": "buongiorno buonasera salve",
        "thanks": "grazie mille tante",
        "goodbye": "arrivederci",
    },
    "pt": {
        "greeting": "olá ola bom dia boa tarde noite",
        "thanks": "obrigado obrigada muito",
        "goodbye": "tchau adeus até logo",
    },
    "nl": {
        "greeting": "goedemorgen goedemiddag goedenavond goedendag",
        "thanks": "dank bedankt je wel u",
        "goodbye": "doei tot ziens",
    },
}

# A message is held against all of them, and so is each one before it.
_SMALL_WORDS: dict[Language, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in _SMALL.items()
}
_TALK_WORDS: dict[Language, dict[Literal["greeting", "thanks", "goodbye"], frozenset[str]]] = {
    language: {name: frozenset(words.split()) for name, words in kinds.items()}
    for language, kinds in _TALK.items()
}


def language_of(message: str) -> Language:
    """ "en" unless the small words of another language clearly prevail."""
    forms = words_of(message).forms
    greeted: list[Language] = [name for name in _TALK if _talk(name, frozenset(forms))]
    if greeted:
        return greeted[0]
    counts: dict[Language, int] = {
        name: sum(form in small for form in forms) for name, small in _SMALL_WORDS.items()
    }
    best: Language = max(counts, key=lambda name: counts[name])
    english = sum(form in _ENGLISH for form in forms)
    return best if counts[best] > english and counts[best] >= max(_FEWEST, _SHARE * len(forms)) else "en"


def said_in(language: Language, forms: Collection[str]) -> FrameName | None:
    """A greeting, thanks or a goodbye in that language."""
    return None if language == "en" else _talk(language, frozenset(forms))


def _talk(language: Language, forms: frozenset[str]) -> FrameName | None:
    if not any(len(form) >= _TELLING or form in _SHORT for form in forms):
        return None
    kinds = _TALK_WORDS[language].items()
    return next((name for name, words in kinds if forms <= words), None)


_ENGLISH_WORDS = """
the and is are i we you my how where what when who why much many not a an for on with can may must do does it
to of have has get our in if be
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
