// syscalls: what the agent's own commands (rm, ls, kill, ...) need, and MicroPython's module os lacks.
//
// None of them takes memory from the kernel: the C library's opendir() would, in one piece, when there is none. The flags
// come from the C library here, for their numbers differ from one processor to the next.
//
//     lstat(path)             (mode, links, uid, gid, bytes, blocks of 512 bytes, seconds since 1970 of the last
//                             change, device, inode); of a symbolic link itself.
//     folder(path, follow)    a descriptor for name(); follow: also where the last part of the path is a link.
//     name(folder, position)  (name, type, position of the next one), None at the end. The position of the first is None,
//                             the others are the kernel's, as bytes. type: 4 for a folder, 8 for a file, 10 for a link,
//                             as in dirent.h; 0 where it is not known.
//     create(path, how)       a descriptor for writing. how: 0 empties a file that is there, 1 keeps it, 2 appends to it,
//                             3 makes only a new one, 4 keeps it, unless it is a link.
//     close(descriptor), resize(descriptor, bytes), fsync(descriptor), readlink(path), kill(pid, signal), sync(), reboot()
//     strerror(number)        the C library's text for an error.
//     permit(descriptor, mode)    fchmod(2).
//     take(bytes)             memory in one piece, as the kernel gives it to programs: what give() takes back. Without an
//                             MMU a block of the kernel's own, of whose end nothing is given back if bytes is a power of 2.
//     give(memory, bytes)     the kernel has it again.
//     watchdog(descriptor, what)  what 0: why the board was started, as bits; 1: after how many seconds it resets.
//
// They raise OSError. Paths and names are bytes.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/obj.h"
#include "py/objstr.h"
#include "py/runtime.h"

static mp_obj_t checked(long result) {
    if (result < 0) {
        mp_raise_OSError(errno);
    }
    return MP_OBJ_NEW_SMALL_INT(result);
}

static mp_obj_t syscalls_lstat(mp_obj_t path_in) {
    struct stat found;
    checked(lstat(mp_obj_str_get_str(path_in), &found));
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(found.st_mode),
        mp_obj_new_int_from_uint(found.st_nlink),
        mp_obj_new_int_from_uint(found.st_uid),
        mp_obj_new_int_from_uint(found.st_gid),
        mp_obj_new_int_from_ll(found.st_size),
        mp_obj_new_int_from_ll(found.st_blocks),
        mp_obj_new_int_from_ll(found.st_mtime),
        mp_obj_new_int_from_ull(found.st_dev),
        mp_obj_new_int_from_ull(found.st_ino),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_lstat_obj, syscalls_lstat);

static mp_obj_t syscalls_folder(mp_obj_t path_in, mp_obj_t follow_in) {
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | (mp_obj_is_true(follow_in) ? 0 : O_NOFOLLOW);
    return checked(open(mp_obj_str_get_str(path_in), flags));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_folder_obj, syscalls_folder);

// What getdents64(2) gives. Declared here, since C libraries declare it in different ways.
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

static mp_obj_t syscalls_name(mp_obj_t folder_in, mp_obj_t position_in) {
    union {
        struct entry entry;
        char bytes[sizeof(struct entry) + 272]; // the longest name has 255 bytes
    } buffer;
    int folder = mp_obj_get_int(folder_in);
    int64_t position = 0;
    if (position_in != mp_const_none) {
        mp_buffer_info_t given;
        mp_get_buffer_raise(position_in, &given, MP_BUFFER_READ);
        memcpy(&position, given.buf, MIN(given.len, sizeof position));
    }
    if (lseek(folder, position, SEEK_SET) < 0) {
        mp_raise_OSError(errno);
    }
    long count = syscall(SYS_getdents64, folder, &buffer, sizeof buffer);
    checked(count);
    if (count == 0) {
        return mp_const_none;
    }
    mp_obj_t items[] = {
        mp_obj_new_bytes((const byte *)buffer.entry.name, strlen(buffer.entry.name)),
        MP_OBJ_NEW_SMALL_INT(buffer.entry.type),
        mp_obj_new_bytes((const byte *)&buffer.entry.offset, sizeof buffer.entry.offset),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_name_obj, syscalls_name);

static mp_obj_t syscalls_create(mp_obj_t path_in, mp_obj_t how_in) {
    static const int flags[] = {O_TRUNC, 0, O_APPEND, O_EXCL | O_NOFOLLOW, O_NOFOLLOW};
    mp_int_t how = mp_obj_get_int(how_in);
    int always = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    return checked(open(mp_obj_str_get_str(path_in), always | flags[how % MP_ARRAY_SIZE(flags)], 0666));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_create_obj, syscalls_create);

static mp_obj_t syscalls_resize(mp_obj_t descriptor_in, mp_obj_t bytes_in) {
    return checked(ftruncate(mp_obj_get_int(descriptor_in), mp_obj_get_int(bytes_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_resize_obj, syscalls_resize);

static mp_obj_t syscalls_close(mp_obj_t descriptor_in) {
    return checked(close(mp_obj_get_int(descriptor_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_close_obj, syscalls_close);

static mp_obj_t syscalls_fsync(mp_obj_t descriptor_in) {
    return checked(fsync(mp_obj_get_int(descriptor_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_fsync_obj, syscalls_fsync);

static mp_obj_t syscalls_readlink(mp_obj_t path_in) {
    char target[256];
    ssize_t count = readlink(mp_obj_str_get_str(path_in), target, sizeof target);
    checked(count);
    return mp_obj_new_bytes((const byte *)target, count);
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_readlink_obj, syscalls_readlink);

static mp_obj_t syscalls_kill(mp_obj_t pid_in, mp_obj_t signal_in) {
    return checked(kill(mp_obj_get_int(pid_in), mp_obj_get_int(signal_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_kill_obj, syscalls_kill);

static mp_obj_t syscalls_sync(void) {
    sync();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(syscalls_sync_obj, syscalls_sync);

static mp_obj_t syscalls_reboot(void) {
    return checked(reboot(RB_AUTOBOOT));
}
static MP_DEFINE_CONST_FUN_OBJ_0(syscalls_reboot_obj, syscalls_reboot);

static mp_obj_t syscalls_strerror(mp_obj_t number_in) {
    return mp_obj_new_str_from_cstr(strerror(mp_obj_get_int(number_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_strerror_obj, syscalls_strerror);

static mp_obj_t syscalls_permit(mp_obj_t descriptor_in, mp_obj_t mode_in) {
    return checked(fchmod(mp_obj_get_int(descriptor_in), mp_obj_get_int(mode_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_permit_obj, syscalls_permit);

static mp_obj_t syscalls_take(mp_obj_t bytes_in) {
    void *memory = mmap(NULL, mp_obj_get_int(bytes_in), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        mp_raise_OSError(errno);
    }
    return mp_obj_new_int_from_uint((uintptr_t)memory);
}
static MP_DEFINE_CONST_FUN_OBJ_1(syscalls_take_obj, syscalls_take);

static mp_obj_t syscalls_give(mp_obj_t memory_in, mp_obj_t bytes_in) {
    return checked(munmap((void *)(uintptr_t)mp_obj_get_int_truncated(memory_in), mp_obj_get_int(bytes_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_give_obj, syscalls_give);

// WDIOC_GETBOOTSTATUS and WDIOC_GETTIMEOUT of linux/watchdog.h
static mp_obj_t syscalls_watchdog(mp_obj_t descriptor_in, mp_obj_t what_in) {
    static const unsigned long requests[] = {_IOR('W', 2, int), _IOR('W', 7, int)};
    int value = 0;
    checked(ioctl(mp_obj_get_int(descriptor_in), requests[mp_obj_get_int(what_in) != 0], &value));
    return mp_obj_new_int(value);
}
static MP_DEFINE_CONST_FUN_OBJ_2(syscalls_watchdog_obj, syscalls_watchdog);

static const mp_rom_map_elem_t syscalls_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_syscalls) },
    { MP_ROM_QSTR(MP_QSTR_lstat), MP_ROM_PTR(&syscalls_lstat_obj) },
    { MP_ROM_QSTR(MP_QSTR_folder), MP_ROM_PTR(&syscalls_folder_obj) },
    { MP_ROM_QSTR(MP_QSTR_name), MP_ROM_PTR(&syscalls_name_obj) },
    { MP_ROM_QSTR(MP_QSTR_create), MP_ROM_PTR(&syscalls_create_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&syscalls_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_resize), MP_ROM_PTR(&syscalls_resize_obj) },
    { MP_ROM_QSTR(MP_QSTR_fsync), MP_ROM_PTR(&syscalls_fsync_obj) },
    { MP_ROM_QSTR(MP_QSTR_readlink), MP_ROM_PTR(&syscalls_readlink_obj) },
    { MP_ROM_QSTR(MP_QSTR_kill), MP_ROM_PTR(&syscalls_kill_obj) },
    { MP_ROM_QSTR(MP_QSTR_sync), MP_ROM_PTR(&syscalls_sync_obj) },
    { MP_ROM_QSTR(MP_QSTR_reboot), MP_ROM_PTR(&syscalls_reboot_obj) },
    { MP_ROM_QSTR(MP_QSTR_strerror), MP_ROM_PTR(&syscalls_strerror_obj) },
    { MP_ROM_QSTR(MP_QSTR_permit), MP_ROM_PTR(&syscalls_permit_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&syscalls_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_give), MP_ROM_PTR(&syscalls_give_obj) },
    { MP_ROM_QSTR(MP_QSTR_watchdog), MP_ROM_PTR(&syscalls_watchdog_obj) },
};
static MP_DEFINE_CONST_DICT(syscalls_globals, syscalls_globals_table);

const mp_obj_module_t syscalls_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&syscalls_globals,
};
MP_REGISTER_MODULE(MP_QSTR_syscalls, syscalls_module);
