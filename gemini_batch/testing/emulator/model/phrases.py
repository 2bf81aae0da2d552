"""Short sentences in many languages, with room for words of the prompt."""

# ruff: noqa: RUF001 - the quotation marks and letters of other languages are meant

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "The heart of the matter is “{a}”.",
        "In short: begin with “{a}”, then turn to “{b}”.",
        "Two things stand out, “{a}” and “{b}”; the rest follows from them.",
        "As for “{a}”, a careful look at “{b}” settles most of it.",
    ),
    "de": (
        "Im Kern geht es um „{a}“.",
        "Kurz gesagt: zuerst „{a}“, danach „{b}“.",
        "Entscheidend sind „{a}“ und „{b}“; alles andere ergibt sich daraus.",
    ),
    "fr": (
        "L’essentiel tient dans « {a} ».",
        "En bref : d’abord « {a} », ensuite « {b} ».",
        "Deux points comptent ici, « {a} » et « {b} » ; le reste en découle.",
    ),
    "es": (
        "Lo esencial está en «{a}».",
        "En resumen: primero «{a}», después «{b}».",
        "Hay dos puntos clave, «{a}» y «{b}»; lo demás se deduce de ellos.",
    ),
    "it": (
        "Il punto centrale è «{a}».",
        "In breve: prima «{a}», poi «{b}».",
        "Contano soprattutto «{a}» e «{b}»; il resto ne consegue.",
    ),
    "pt": (
        "O essencial está em «{a}».",
        "Em resumo: primeiro «{a}», depois «{b}».",
        "Há dois pontos principais, «{a}» e «{b}»; o resto decorre deles.",
    ),
    "nl": (
        "De kern is ‘{a}’.",
        "Kort gezegd: eerst ‘{a}’, daarna ‘{b}’.",
    ),
    "sv": (
        "Det viktigaste är ”{a}”.",
        "Kort sagt: först ”{a}”, sedan ”{b}”.",
    ),
    "pl": (
        "Najważniejsze jest „{a}”.",
        "Krótko mówiąc: najpierw „{a}”, potem „{b}”.",
        "Liczą się dwie rzeczy, „{a}” i „{b}”; reszta z nich wynika.",
    ),
    "cs": (
        "Nejdůležitější je „{a}“.",
        "Stručně: nejprve „{a}“, potom „{b}“.",
        "Podstatné jsou dvě věci, „{a}“ a „{b}“; zbytek z nich vyplývá.",
    ),
    "tr": (
        "İşin özü “{a}”.",
        "Kısacası: önce “{a}”, sonra “{b}”.",
        "İki nokta öne çıkıyor, “{a}” ve “{b}”; gerisi bunlardan geliyor.",
    ),
    "vi": (
        "Điểm chính là “{a}”.",
        "Tóm lại: trước hết là “{a}”, sau đó là “{b}”.",
    ),
    "id": (
        "Intinya adalah “{a}”.",
        "Singkatnya: mulai dari “{a}”, lalu “{b}”.",
    ),
    "ru": (
        "Главное здесь — «{a}».",
        "Коротко: сначала «{a}», затем «{b}».",
        "Важны две вещи: «{a}» и «{b}»; остальное следует из них.",
    ),
    "uk": (
        "Головне тут — «{a}».",
        "Коротко: спершу «{a}», потім «{b}».",
        "Важливі дві речі: «{a}» і «{b}»; решта випливає з них.",
    ),
    "el": (
        "Το βασικό είναι «{a}».",
        "Με λίγα λόγια: πρώτα «{a}», έπειτα «{b}».",
    ),
    "ar": (
        "الفكرة الأساسية هي «{a}».",
        "باختصار: أولًا «{a}»، ثم «{b}».",
    ),
    "he": (
        "העיקר הוא „{a}”.",
        "בקצרה: קודם „{a}”, אחר כך „{b}”.",
    ),
    "hi": (
        "मुख्य बात है “{a}”।",
        "संक्षेप में: पहले “{a}”, फिर “{b}”।",
    ),
    "bn": (
        "মূল কথা হলো “{a}”।",
        "সংক্ষেপে: প্রথমে “{a}”, তারপর “{b}”।",
    ),
    "th": (
        "ประเด็นสำคัญคือ “{a}”",
        "สรุปสั้น ๆ เริ่มจาก “{a}” แล้วต่อด้วย “{b}”",
    ),
    "ja": (
        "要点は「{a}」です。",
        "まとめると、まず「{a}」、次に「{b}」です。",
    ),
    "ko": (
        "핵심은 ‘{a}’입니다.",
        "요약하면 먼저 ‘{a}’, 그다음 ‘{b}’입니다.",
    ),
    "zh": (
        "关键在于“{a}”。",
        "简而言之：先看“{a}”，再看“{b}”。",
    ),
}

STOP_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the a an of and to in is are for with this that what how write it on from",
        "de": "der die das und ein eine ist im mit für von den dem nicht wie auf zu bitte",
        "fr": "le la les des une un et est du dans pour que en sur avec ce cette qui aux",
        "es": "el la los las de una un y en es por para que con del este esta cómo qué",
        "it": "il lo la gli le di una un e è per che con del della questo come in nel",
        "pt": "o a os as de uma um e em é por para que com do da este esta não como no na",
        "nl": "de het een en van is op voor met dat niet wat hoe dit in te",
        "sv": "och en ett att är för med som på det den av inte hur till",
        "pl": "i w na z do to jest się nie jak że dla o po od co ten ta",
        "cs": "a v na je se že to do pro jak s z ve o které který není pro",
        "tr": "ve bir bu için ile de da ne nasıl olarak en çok mi olan şu",
        "vi": "và của là một cho trong được các với này không những để có",
        "id": "dan yang di untuk dengan ini itu dari adalah pada dalam sebuah",
    }.items()
}
"""Frequent words of languages in Latin script, by which they are told apart."""

LANGUAGES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(language for language, words in STOP_WORDS.items() if word in words)
    for word in frozenset[str]().union(*STOP_WORDS.values())
}
"""Frequent word -> the languages it is frequent in."""

SCRIPTS: Final[tuple[tuple[int, int, str], ...]] = (
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x04FF, "ru"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"),
    (0x0980, 0x09FF, "bn"),
    (0x0E00, 0x0E7F, "th"),
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
)
"""First and last code point of scripts, and the language that stands for each."""

SPACELESS: Final = frozenset(("th", "ja", "zh"))
"""Languages that put no spaces between words."""
