"""The error of settings that cannot be used, those in variables of the environment included."""


class SettingsError(Exception):
    """Settings that cannot be used; the text has a line for each."""
