"""Menus, banners and footers of a page: told by their marks, never by a guess at the text."""

import re
from collections.abc import Iterable

from lxml import etree

from index.readers.xml_safety import Element, local

_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar".split())
# Whole names of classes and ids: a part of a name says nothing ("fehler-security-related" is a chapter).
_SURE = re.compile(
    r"(?:site|page|global)-?(?:header|footer)|nav(?:header|footer)|skip-?links?|sprunglinks?", re.IGNORECASE
)
_MENU = re.compile(
    r"(?:main|site|top|side|sub|page|doc|local|global|meta|haupt|left|right)?[-_]?(?:nav(?:bar|igation|links|bar-nav)?"
    r"|menue?|menü|bar|header|footer)|nav[-_]?(?:header|footer|links|menu|bar)|side-?(?:bar|nav)|(?:left|right)-?side"
    r"|sphinxsidebar(?:wrapper)?|toolbar|breadcrumbs?|brotkrumen|related|pagination|pager|social(?:-?(?:media|links|share))?"
    r"|share-?(?:buttons?|links?|bar)|language-?(?:switch(?:er)?|selector|nav)",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"(?:cookie|consent|gdpr|dsgvo)s?[\w-]*(?:banner|notice|bar|popup|pop-up|layer|overlay|hinweis|dialog|modal|box"
    r"|message|consent|law)|consent-?manager|cc-window|(?:^|[\s_-])(?:cmp|usercentrics|onetrust|borlabs)(?:$|[\s_-])",
    re.IGNORECASE,
)
_TEXTUAL = frozenset("a span i b em strong code p h1 h2 h3 h4 h5 h6 section article".split())
_SECTIONS = frozenset("article main section".split())
_DROPPED = "{beleg}dropped"  # the name of no element that a page can hold
_MOST_OF_PAGE = 0.5  # share of the page's text above which a part is no boilerplate, whatever it is called
_LINKS_OF_MENU = 0.5  # share of its text that is in links
_LEAST_MAIN = 0.25  # share of the rest that a page's main part must hold to stand for it all


def drop_boilerplate(body: Element) -> bool:
    """Take out of a page's tree what is not its own text; return whether anything was.

    >>> from lxml import html
    >>> body = html.fromstring("<body><nav>Start</nav><main><p>Der Verein hat Sitz in Köln.</p></main></body>")
    >>> drop_boilerplate(body), body.text_content()
    (True, 'Der Verein hat Sitz in Köln.')
    """
    etree.strip_elements(body, "script", "style", with_tail=False)
    whole = _length(body)
    parts = [part for part in body.iterdescendants() if _is_boilerplate(part, whole)]
    _drop(parts, body)
    return _keep_main(body) or bool(parts)


def _is_boilerplate(part: Element, whole: int) -> bool:
    name = local(part)
    if not name or name in _TEXTUAL:
        return False
    names = f"{part.get('class', '')} {part.get('id', '')}"
    sure = _is_marked(part, name) or _any_name(_SURE, names)
    menu = not sure and _any_name(_MENU, names)
    consent = not sure and names != " " and _CONSENT.search(names)
    if not (sure or menu or consent) or _length(part) > _MOST_OF_PAGE * whole or _holds_main(part):
        return False
    if consent:
        return _has_button(part)
    is_menu = _links(part) > _LINKS_OF_MENU * _length(part)
    return is_menu if menu else is_menu or not (name == "header" and _holds(part, "h1", "p"))


def _is_marked(part: Element, name: str) -> bool:
    """Whether the page itself says by an element or a role that a part is no text of its own."""
    if part.get("role", "").lower() in _ROLES or name == "nav" or (name == "aside" and _holds(part, "input")):
        return True
    return name in ("header", "footer") and not _within_section(part)


def _any_name(pattern: re.Pattern[str], names: str) -> bool:
    return any(pattern.fullmatch(name) for name in names.split())


def _within_section(part: Element) -> bool:
    return any(local(outer) in _SECTIONS for outer in part.iterancestors())


def _holds_main(part: Element) -> bool:
    return any(local(inner) in ("main", "article") or inner.get("role") == "main" for inner in part.iterdescendants())


def _holds(part: Element, *names: str) -> bool:
    return any(local(inner) in names for inner in part.iterdescendants())


def _has_button(part: Element) -> bool:
    """Whether there is something to agree to."""
    return any(
        local(inner) in ("button", "input", "a") or inner.get("role") == "button" for inner in part.iterdescendants()
    )


def _keep_main(body: Element) -> bool:
    """Drop all but the page's main part, where there is one that holds a fair share of the text."""
    mains = [part for part in body.iterdescendants() if local(part) == "main" or part.get("role") == "main"]
    if len(mains) != 1 or _length(mains[0]) < _LEAST_MAIN * _length(body):
        return False
    main = mains[0]
    outer = [main, *main.iterancestors()]
    around = outer[: outer.index(body)]
    beside = [part for one in around for part in (*one.itersiblings(preceding=True), *one.itersiblings())]
    _drop(beside, body)
    return bool(beside)


def _length(part: Element) -> int:
    """Count the characters of an element's text, without white space at both ends of its pieces."""
    return sum(len(text.strip()) for text in part.itertext())


def _links(part: Element) -> int:
    return sum(_length(link) for link in part.iter("a"))


def _drop(parts: Iterable[Element], body: Element) -> None:
    """Remove elements and keep the text behind each, which may hold what lxml reads but takes from nobody."""
    for part in parts:
        if local(part):  # a comment has no name
            part.tag = _DROPPED
    etree.strip_elements(body, _DROPPED, with_tail=False)
