// fdio: open(2) and read(2) for an agent that may never wait.
//
// open() of the unix port knows no flags: it waits for the carrier of a serial line, and makes the line the controlling
// terminal of a session leader. Its readinto() reads until the buffer is full, and waits for what is missing.
//
//     open(path, access)        a descriptor; access: 0 reads, 2 reads and writes. It never waits, and is no terminal's.
//     read(descriptor, buffer)  what one read(2) gives: the count, 0 at the end, None where there is nothing yet.
//
// Both raise OSError. Neither takes any heap. The flags come from the C library here, for their numbers differ from one
// processor to the next: O_NONBLOCK is 04000 on m68k, and 0200 on MIPS.

#include <errno.h>
#include <fcntl.h>
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

static const mp_rom_map_elem_t fdio_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_fdio) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&fdio_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&fdio_read_obj) },
};
static MP_DEFINE_CONST_DICT(fdio_globals, fdio_globals_table);

const mp_obj_module_t fdio_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&fdio_globals,
};
MP_REGISTER_MODULE(MP_QSTR_fdio, fdio_module);
