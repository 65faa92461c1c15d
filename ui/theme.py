"""How the chat looks and behaves in the browser: Gradio's theme, ``page.css`` and ``page.js``.

The fonts are the system's, so that none is fetched.
"""

from pathlib import Path
from typing import Any

from ui.texts import Language

_HERE = Path(__file__).parent


def theme() -> Any:
    """Return a calm theme."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def css() -> str:
    """Return the page's style sheet."""
    return (_HERE / "page.css").read_text("utf-8")


def head(language: Language) -> str:
    """Return what stands in the page's head: its language and its script."""
    script = (_HERE / "page.js").read_text("utf-8")
    return f'<script>document.documentElement.lang = "{language}";\n{script}</script>'
