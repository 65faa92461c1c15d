"""Menus, banners and footers of a page: told by their marks, never by a guess at the text."""

import re

from lxml import etree

from index.readers.xml_safety import Element, local

_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar".split())
_SURE = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|igation|header|footer|links|menu)?|main-?nav|site-?nav|sitemap-?nav|breadcrumbs?"
    r"|brotkrumen|skip-?links?|sprunglinks?|site-?header|site-?footer|page-?footer|global-?footer|social(?:-?media|-?links"
    r"|-?share)?|share-?(?:buttons?|links?|bar)|pagination|pager|language-?(?:switch(?:er)?|selector|nav)|related)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_MENU = re.compile(
    r"(?:^|[\s_-])(?:(?:main|top|side|sub|page|site|footer|haupt|meta)?-?(?:menue?|menü)|side-?bar|side-?nav"
    r"|(?:left|right)side|footer|header|toolbar|sphinxsidebar(?:wrapper)?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"(?:cookie|consent|gdpr|dsgvo)s?[\w-]*(?:banner|notice|bar|popup|pop-up|layer|overlay|hinweis|dialog|modal|box"
    r"|message|consent|law)|consent-?manager|cc-window|(?:^|[\s_-])(?:cmp|usercentrics|onetrust|borlabs)(?:$|[\s_-])",
    re.IGNORECASE,
)
_SECTIONS = frozenset("article main section".split())
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
    for part in parts:
        _drop(part)
    return _keep_main(body) or bool(parts)


def _is_boilerplate(part: Element, whole: int) -> bool:
    name = local(part)
    if not name or name in ("a", "span", "i", "b", "em", "strong", "code", "p", "h1", "h2", "h3", "h4", "h5", "h6"):
        return False
    names = f"{part.get('class', '')} {part.get('id', '')}".strip()
    by_tag = name == "nav" or (name in ("header", "footer") and not _within_section(part))
    by_tag = by_tag or (name == "aside" and _holds(part, "input"))
    by_role = part.get("role", "").lower() in _ROLES
    sure = by_tag or by_role or (names and _SURE.search(names))
    menu = not sure and names and _MENU.search(names)
    consent = not sure and names and _CONSENT.search(names)
    if not (sure or menu or consent) or _length(part) > _MOST_OF_PAGE * whole or _holds_main(part):
        return False
    if sure:
        return not (name == "header" and _holds(part, "h1", "p") and _links(part) < _LINKS_OF_MENU * _length(part))
    return _has_button(part) if consent else _links(part) > _LINKS_OF_MENU * _length(part)


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
    dropped = False
    while main is not body:
        for beside in [*main.itersiblings(preceding=True), *main.itersiblings()]:
            dropped = True
            _drop(beside)
        main = main.getparent()
    return dropped


def _length(part: Element) -> int:
    """Count the characters of an element's text, without white space at both ends of its pieces."""
    return sum(len(text.strip()) for text in part.itertext())


def _links(part: Element) -> int:
    return sum(_length(link) for link in part.iter("a"))


def _drop(part: Element) -> None:
    """Remove an element and keep the text behind it."""
    parent, tail = part.getparent(), part.tail
    if parent is None:
        return
    if tail:
        before = part.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    part.tail = None
    parent.remove(part)
