"""The version of this package; pyproject.toml says the same."""

# Written here, not asked of the installed package: that would load a parser of mails.
__version__ = "0.1.0"
