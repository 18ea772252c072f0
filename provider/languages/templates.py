"""Translation in templates: `{% trans %}`, dates, and Texts passed to them, in one language; and names of people."""

from functools import partial

from jinja2 import Environment, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from provider.languages.catalogs import Language
from provider.languages.free_text import first_character, without_stray_controls
from provider.languages.isolation import isolate


def speak(env: Environment, language: Language) -> None:
    """Set up `env` for this language.

    A Text is translated wherever it is shown; inside a filter or a `trans` it needs `| say`. Text that people typed is
    shown with `| isolated`, in titles and attributes with `| isolate`.
    """
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    env.finalize = language.say
    env.filters |= {
        "say": language.say,
        "date": language.date,
        "moment": language.moment,
        "short_moment": language.short_moment,
        "day_and_month": language.day_and_month,
        "month": language.month,
        "hour": "{:%H:%M}".format,
        "number": language.number,
        "ago": language.ago,
        "duration": language.duration,
    }
    env.filters |= {
        "isolate": partial(isolate, direction=language.direction),
        "isolated": isolated,
        "email": email,
        "first_character": first_character,
    }
    env.globals["language"] = language


@pass_eval_context
def isolated(context: EvalContext, text: object) -> str:
    """Return the text for the content of a template: in an element with `dir="auto"` in HTML, else like `isolate`."""
    if not context.autoescape:
        language: Language = context.environment.globals["language"]  # type: ignore[assignment]  # set by `speak`
        return isolate(text, language.direction)
    return Markup('<span dir="auto">{}</span>').format(without_stray_controls(str(text)))


@pass_eval_context
def email(context: EvalContext, address: object) -> str:
    """Return the address like `isolated`; in HTML it may break before the @ rather than anywhere."""
    shown = isolated(context, address)
    return shown.replace("@", Markup("<wbr>@"), 1) if isinstance(shown, Markup) else shown
