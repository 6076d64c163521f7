"""The bridge to another engine: what is stored, pushed as metrics, each sample once.

In: the store, the configuration. Out: HTTP requests with lines of samples; what was pushed, in the store.
May touch: the store, to read it and to note what was pushed; the engine's HTTP door.
"""
