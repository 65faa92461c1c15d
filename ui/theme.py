"""How the chat looks: calm, in the system's own fonts, so that none is fetched."""

from typing import Any


def theme() -> Any:
    """Return a calm theme; fonts of the system, so that none is fetched."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


CSS = """
.gradio-container { --quiet: #55606f; --chip: #ccfbf1; --chip-text: #115e59; --wrong: #b91c1c; }
.dark .gradio-container, .gradio-container.dark { --quiet: #a7b3c2; --chip: #134e4a; --chip-text: #99f6e4;
  --wrong: #fca5a5; }
.gradio-container .main.fillable { padding: 0 !important; max-width: none; }
.gradio-container main { width: 100% !important; max-width: 52rem !important; min-width: 0; box-sizing: border-box;
  margin: 0 auto !important; padding: 1.25rem 1rem 1rem !important; }
.gradio-container main .column { gap: .75rem; }

#beleg-header .html-container, #beleg-status .html-container { padding: 0 .25rem; }
#beleg-header h1 { font-size: 1.4rem; font-weight: 650; margin: 0; }
#beleg-header p { color: var(--quiet); margin: 0; }
#beleg-status { min-height: 1.5rem; }
#beleg-status .beleg-note { margin: 0; }

#beleg-chat { background: none; border: 0; border-block: 1px solid var(--border-color-primary); border-radius: 0;
  min-height: 14rem; }
#beleg-chat .top-panel { display: none; }
#beleg-chat .message, #beleg-chat .prose { background: none; opacity: 1 !important; border: 0; padding: 0 !important; }
#beleg-chat .flex-wrap { margin: 0; padding: 0 !important; }
#beleg-chat .message-row { padding: .75rem .25rem; background: none; }
#beleg-chat .user-row .beleg-text { font-weight: 600; }
#beleg-chat .bot-row { padding-top: 0; padding-bottom: 1.25rem; border-bottom: 1px solid var(--border-color-primary); }
#beleg-chat .bot-row:last-child { border-bottom: 0; }
#beleg-chat .examples { grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); max-width: 44rem;
  width: 100%; box-sizing: border-box; margin: 0 auto; }
.beleg-welcome { text-align: center; padding-top: 1.5rem; }
.beleg-welcome pre { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; }

#beleg-question { border: 0; background: none; }
#beleg-question .input-container { border: 1px solid var(--border-color-primary); border-radius: .75rem;
  padding: .3rem; align-items: end; }
#beleg-question textarea { border: 0; box-shadow: none; font-size: 1rem; background: none; }
#beleg-question .input-container:focus-within { border-color: var(--color-accent); }
#beleg-question button { border-radius: .5rem; padding: .35rem .9rem; font-weight: 600; height: auto;
  background: #0f766e; color: #fff; }

#beleg-options { align-items: center; justify-content: space-between; gap: .5rem; }
#beleg-options > .form { flex: 0 1 auto !important; border: 0; min-width: 0 !important; background: none; }
#beleg-language { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; padding: 0; border: 0;
  background: none; }
#beleg-language span { margin: 0; font-size: .9rem; color: inherit; }
#beleg-language .wrap { gap: .25rem .75rem; }
#beleg-language label { border: 0; padding: .25rem 0; background: none; box-shadow: none; gap: .35rem; }
#beleg-clear { flex: 0 0 auto; min-width: 0; }

.beleg-text { line-height: 1.6; margin: 0 !important; overflow-wrap: anywhere; white-space: pre-line; }
.beleg-marker { font-size: .8em; font-weight: 600; padding: .05em .45em; border-radius: .35em; vertical-align: .1em;
  text-decoration: none !important; background: var(--chip); color: var(--chip-text) !important; }
.beleg-note { font-size: .875rem; margin: .4rem 0 0 !important; color: var(--quiet); overflow-wrap: anywhere; }
.beleg-error { color: var(--wrong); }
.beleg-busy { animation: beleg-pulse 1.6s ease-in-out infinite; }
@keyframes beleg-pulse { 50% { opacity: .5; } }
.beleg-quotes { margin-top: .9rem; display: grid; gap: .5rem; }
.beleg-quotes p { margin: 0 !important; }
.beleg-head { font-weight: 600; font-size: .875rem; color: var(--quiet); }
.beleg-quote { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .75rem; align-items: start;
  padding: .6rem .75rem; border-radius: .5rem; border: 1px solid var(--border-color-primary);
  background: var(--background-fill-secondary); scroll-margin: 1rem; }
.beleg-quote > * { grid-column: 2; unicode-bidi: isolate; overflow-wrap: anywhere; }
.beleg-quote:target { border-color: var(--color-accent); box-shadow: 0 0 0 1px var(--color-accent); }
.beleg-number { grid-area: 1 / 1; font-size: .8em; font-weight: 600; padding: .05em .45em; border-radius: .35em;
  margin-top: .25em; background: var(--chip); color: var(--chip-text); }
.beleg-quote blockquote { margin: 0 !important; padding: 0 !important; border: 0 !important; line-height: 1.5;
  color: inherit; font-style: normal; }
.beleg-quote .beleg-title { font-size: .875rem; font-weight: 600; margin-top: .35rem !important; }
.beleg-source { font-size: .8rem; color: var(--quiet); white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.beleg-gloss { font-size: .85rem; color: var(--quiet); font-style: italic; }
.beleg-gloss:empty { display: none; }
.beleg-source:hover, .beleg-source:focus { white-space: normal; }
@media (prefers-reduced-motion: reduce) { .beleg-busy { animation: none; } }
@media (max-width: 480px) { .gradio-container main { padding: .6rem !important; } .beleg-quote { padding: .5rem; }
  #beleg-language, #beleg-language .wrap { gap: .25rem .5rem; } #beleg-language span { font-size: .8rem; } }
"""

# Keeps the last question at the top of its frame, so that its answer and not the end of its quotes is seen.
SCROLL_JS = """() => setTimeout(() => {
  const last = [...document.querySelectorAll("#beleg-chat .user-row")].pop();
  const frame = document.querySelector("#beleg-chat [role=log]");
  if (last && frame) frame.scrollTop += last.getBoundingClientRect().top - frame.getBoundingClientRect().top;
}, 50)"""
