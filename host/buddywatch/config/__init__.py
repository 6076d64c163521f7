"""The configuration: its files, its schema, what is wrong in it, and the secrets that it names.

In: a TOML file, the environment, files with passwords and secrets. Out: a frozen Config, or what to correct.
May touch: these files, to read them. Secrets are never printed.
"""
