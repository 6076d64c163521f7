// fdio: open(2), read(2) and getdents64(2) for an agent that may never wait, nor take memory.
//
// open() of the unix port knows no flags: it waits for the carrier of a serial line, and makes the line the controlling
// terminal of a session leader. Its readinto() reads until the buffer is full, and waits for what is missing.
//
//     open(path, access)        a descriptor; access: 0 reads, 2 reads and writes. It never waits, and is no terminal's.
//     read(descriptor, buffer)  what one read(2) gives: the count, 0 at the end, None where there is nothing yet.
//
//     numbers(path)             the entries of a folder that are numbers, as a list: /proc has one for each process.
//                               The C library's opendir() would take memory from the kernel, in one piece.
//
// They raise OSError. The first two take no heap. The flags come from the C library here, for their numbers differ from one
// processor to the next: O_NONBLOCK is 04000 on m68k, and 0200 on MIPS.

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/obj.h"
#include "py/runtime.h"

static mp_obj_t fdio_open(mp_obj_t path_in, mp_obj_t access_in) {
    const char *path = mp_obj_str_get_str(path_in);
    int flags = mp_obj_get_int(access_in) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int descriptor;
    MP_HAL_RETRY_SYSCALL(descriptor, open(path, flags), mp_raise_OSError(err));
    return MP_OBJ_NEW_SMALL_INT(descriptor);
}
static MP_DEFINE_CONST_FUN_OBJ_2(fdio_open_obj, fdio_open);

static mp_obj_t fdio_read(mp_obj_t descriptor_in, mp_obj_t buffer_in) {
    int descriptor = mp_obj_get_int(descriptor_in);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(buffer_in, &buffer, MP_BUFFER_WRITE);
    ssize_t count;
    MP_HAL_RETRY_SYSCALL(count, read(descriptor, buffer.buf, buffer.len), {
        if (err == EAGAIN) {
            return mp_const_none;
        }
        mp_raise_OSError(err);
    });
    return MP_OBJ_NEW_SMALL_INT(count);
}
static MP_DEFINE_CONST_FUN_OBJ_2(fdio_read_obj, fdio_read);

// What getdents64(2) gives. Declared here, since C libraries declare it in different ways.
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

// The number that a name is; -1 if it is none that a process can have.
static long number_of(const char *name) {
    long number = 0;
    if (!*name) {
        return -1;
    }
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || number > 99999999) {
            return -1;
        }
        number = number * 10 + (*name - '0');
    }
    return number;
}

static mp_obj_t fdio_numbers(mp_obj_t path_in) {
    union {
        struct entry entry;
        char bytes[512];
    } buffer;
    mp_obj_t list = mp_obj_new_list(0, NULL);
    int descriptor = mp_obj_get_int(fdio_open(path_in, MP_OBJ_NEW_SMALL_INT(O_RDONLY)));
    nlr_buf_t nlr;
    if (nlr_push(&nlr)) { // no room in the heap
        close(descriptor);
        nlr_jump(nlr.ret_val);
    }
    long count;
    while ((count = syscall(SYS_getdents64, descriptor, &buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count;) {
            const struct entry *entry = (const struct entry *)(buffer.bytes + at);
            long number = number_of(entry->name);
            if (number >= 0) {
                mp_obj_list_append(list, MP_OBJ_NEW_SMALL_INT(number));
            }
            at += entry->bytes;
        }
    }
    int failed = count < 0 ? errno : 0;
    nlr_pop();
    close(descriptor);
    if (failed) {
        mp_raise_OSError(failed);
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(fdio_numbers_obj, fdio_numbers);

static const mp_rom_map_elem_t fdio_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_fdio) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&fdio_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&fdio_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_numbers), MP_ROM_PTR(&fdio_numbers_obj) },
};
static MP_DEFINE_CONST_DICT(fdio_globals, fdio_globals_table);

const mp_obj_module_t fdio_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&fdio_globals,
};
MP_REGISTER_MODULE(MP_QSTR_fdio, fdio_module);
