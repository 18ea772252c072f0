"""What templates say, in one language: `{% trans %}`, dates, and Texts that are handed to them."""

from jinja2 import Environment

from provider.languages.catalogs import Language


def speak(env: Environment, language: Language) -> None:
    """Make `env` speak. A Text is said wherever it is shown; inside a filter or a `trans` it takes `| say`."""
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    env.finalize = language.say
    env.filters |= {"say": language.say, "date": language.date, "moment": language.moment}
    env.globals["language"] = language
