// The program `buddyd` on the board: MicroPython with the agent in it, started without a prompt or a search for files.
//
//     buddyd [-X heapsize=BYTES|KILOBYTESk] [OPTION...]
//
// It requests one block of memory from the kernel, the heap, and none after that. The options are the agent's own. Exit
// codes as in docs/reference/buddyd.md; 2 if the kernel has no block for the heap.

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "extmod/vfs.h"
#include "extmod/vfs_posix.h"
#include "py/builtin.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/lexer.h"
#include "py/mphal.h"
#include "py/parse.h"
#include "py/runtime.h"

// 60 kB were too few when a kernel failure came while both links were served: the ring takes 32 kB of them. With 64-bit
// addresses 72 kB were too few for both links from the boot on. Either takes a block of 128 kB.
#define HEAP_BYTES_DEFAULT ((sizeof(void *) > 4 ? 96 : 72) * 1024)
// A part of the program's stack, see -z stack-size in ../build; the rest is for code below the stack check.
#define STACK_BYTES_CHECKED (20 * 1024)
#define EXIT_USAGE 2

static void print_stderr(void *env, const char *text, size_t length) {
    (void)env;
    ssize_t written = write(STDERR_FILENO, text, length);
    (void)written;
}

const mp_print_t mp_stderr_print = {NULL, print_stderr};

// Bytes of the heap from "heapsize=64k", 0 if it is not that.
static size_t parse_heap_size(const char *text) {
    if (strncmp(text, "heapsize=", 9) != 0) {
        return 0;
    }
    char *end;
    size_t bytes = strtoul(text + 9, &end, 10);
    if (*end == 'k' || *end == 'K') {
        bytes *= 1024;
        end++;
    }
    return *end ? 0 : bytes;
}

static void mount_root(void) {
    mp_obj_t arguments[2] = {
        MP_OBJ_TYPE_GET_SLOT(&mp_type_vfs_posix, make_new)(&mp_type_vfs_posix, 0, 0, NULL),
        MP_OBJ_NEW_QSTR(MP_QSTR__slash_),
    };
    mp_vfs_mount(2, arguments, (mp_map_t *)&mp_const_empty_map);
    MP_STATE_VM(vfs_cur) = MP_STATE_VM(vfs_mount_table);
}

static int run_agent(void) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t name[4] = {MP_OBJ_NEW_QSTR(MP_QSTR_buddyd_dot___main__), mp_const_none, mp_const_none, mp_const_false};
        mp_builtin___import__(MP_ARRAY_SIZE(name), name);
        nlr_pop();
        return 0;
    }
    mp_obj_base_t *error = nlr.ret_val;
    if (mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(error->type), MP_OBJ_FROM_PTR(&mp_type_SystemExit))) {
        mp_obj_t code = mp_obj_exception_get_value(MP_OBJ_FROM_PTR(error));
        mp_int_t value = 0;
        return code == mp_const_none || !mp_obj_get_int_maybe(code, &value) ? 0 : value;
    }
    mp_obj_print_exception(&mp_stderr_print, MP_OBJ_FROM_PTR(error));
    return 1;
}

static int MP_NOINLINE start(int argc, char **argv) {
    size_t heap_bytes = HEAP_BYTES_DEFAULT;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-X") == 0) {
        heap_bytes = parse_heap_size(argv[2]);
        first = 3;
        if (heap_bytes == 0) {
            mp_printf(&mp_stderr_print, "buddyd: -X %s: expected heapsize=BYTES, or heapsize=64k\n", argv[2]);
            return EXIT_USAGE;
        }
    }
    char *heap = mmap(NULL, heap_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == MAP_FAILED) {
        mp_printf(&mp_stderr_print, "buddyd: the kernel has no block of %u bytes for the heap; start it earlier, or give less with -X heapsize=\n",
            (unsigned)heap_bytes);
        return EXIT_USAGE;
    }
    gc_init(heap, heap + heap_bytes);
    mp_init();
    mount_root();
    mp_sys_path = mp_obj_new_list(0, NULL);
    mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(MP_QSTR__dot_frozen));
    mp_obj_list_init(MP_OBJ_TO_PTR(mp_sys_argv), 0);
    mp_obj_list_append(mp_sys_argv, MP_OBJ_NEW_QSTR(MP_QSTR_buddyd));
    for (int i = first; i < argc; i++) {
        mp_obj_list_append(mp_sys_argv, mp_obj_new_str_from_cstr(argv[i]));
    }
    return run_agent();
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); // a closed peer must fail the write, not end the program
    mp_cstack_init_with_sp_here(STACK_BYTES_CHECKED);
    return start(argc, argv);
}

void nlr_jump_fail(void *val) {
    (void)val;
    print_stderr(NULL, "buddyd: error outside of the interpreter\n", 41);
    _exit(1);
}

// A manifest may also contain modules as text, and the code that would load one is linked in. There is none here.
struct _mp_lexer_t *mp_lexer_new_from_str_len(qstr name, const char *text, size_t length, size_t free_length) {
    (void)name, (void)text, (void)length, (void)free_length;
    return NULL;
}

mp_obj_t mp_parse_compile_execute(struct _mp_lexer_t *lexer, mp_parse_input_kind_t kind, mp_obj_dict_t *globals, mp_obj_dict_t *locals) {
    (void)lexer, (void)kind, (void)globals, (void)locals;
    return mp_const_none;
}
