"""The agent: watches the free blocks of the kernel it runs on and streams them."""

VERSION = "0.1.0"
