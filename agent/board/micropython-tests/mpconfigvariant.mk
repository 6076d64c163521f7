# An interpreter with a compiler, for the agent's own tests; otherwise the same as the one that holds buddyd.
FROZEN_MANIFEST =
QSTR_GLOBAL_DEPENDENCIES += $(VARIANT_DIR)/../micropython/board.h

MICROPY_USE_READLINE = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_THREAD = 0
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0
MICROPY_PY_JNI = 0
MICROPY_VFS_FAT = 0
MICROPY_VFS_LFS1 = 0
MICROPY_VFS_LFS2 = 0
