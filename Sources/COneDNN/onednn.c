#include "COneDNN.h"

#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern void omp_set_num_threads(int);
extern int omp_get_max_threads(void);

#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error "oneDNN 2.x or 3.x is needed"
#endif

// A made primitive, and the three memory objects that its calls point at their buffers.
typedef struct {
    lethe_gemm_shape shape;
    int threads;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
    uint64_t last_use;
} entry;

enum { CAPACITY = 4096 };      // entries; the least recently used makes room
enum { SLOTS = 4 * CAPACITY };  // of the hash table, a power of two

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static entry *entries;
static int32_t *slots;  // index of an entry plus 1; 0: empty
static int entry_count;
static uint64_t clock_tick;

static void release(entry *e) {
    if (e->primitive) dnnl_primitive_destroy(e->primitive);
    if (e->a) dnnl_memory_destroy(e->a);
    if (e->b) dnnl_memory_destroy(e->b);
    if (e->c) dnnl_memory_destroy(e->c);
    memset(e, 0, sizeof *e);
}

static int same(const lethe_gemm_shape *x, const lethe_gemm_shape *y) {
    return x->m == y->m && x->n == y->n && x->k == y->k && x->lda == y->lda && x->ldb == y->ldb && x->ldc == y->ldc
        && x->transpose_a == y->transpose_a && x->transpose_b == y->transpose_b && x->type_ab == y->type_ab
        && x->type_c == y->type_c && x->accumulate == y->accumulate;
}

static dnnl_data_type_t type_of(int32_t type) { return type == LETHE_BF16 ? dnnl_bf16 : dnnl_f32; }

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;
static dnnl_status_t describe(descriptor *d, int64_t rows, int64_t columns, int64_t ld, int transposed, int32_t type) {
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : ld, transposed ? ld : 1};
    return dnnl_memory_desc_create_with_strides(d, 2, dims, type_of(type), strides);
}
#else
typedef dnnl_memory_desc_t descriptor;
static dnnl_status_t describe(descriptor *d, int64_t rows, int64_t columns, int64_t ld, int transposed, int32_t type) {
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : ld, transposed ? ld : 1};
    return dnnl_memory_desc_init_by_strides(d, 2, dims, type_of(type), strides);
}
#endif

static dnnl_status_t make_memory(dnnl_memory_t *memory, const descriptor *d) {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_create(memory, *d, engine, DNNL_MEMORY_NONE);
#else
    return dnnl_memory_create(memory, d, engine, DNNL_MEMORY_NONE);
#endif
}

#define TRY(call) do { if (status == dnnl_success) status = (call); } while (0)

static dnnl_status_t build(entry *e, const lethe_gemm_shape *s) {
    dnnl_status_t status = dnnl_success;
    if (!engine) TRY(dnnl_engine_create(&engine, dnnl_cpu, 0));
    if (!stream) TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    descriptor a, b, c;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&c, 0, sizeof c);
    TRY(describe(&a, s->m, s->k, s->lda, s->transpose_a, s->type_ab));
    TRY(describe(&b, s->k, s->n, s->ldb, s->transpose_b, s->type_ab));
    TRY(describe(&c, s->m, s->n, s->ldc, 0, s->type_c));
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t post_ops = NULL;
    TRY(dnnl_primitive_attr_create(&attributes));
    if (s->accumulate) {
        TRY(dnnl_post_ops_create(&post_ops));
#if DNNL_VERSION_MAJOR >= 3
        TRY(dnnl_post_ops_append_sum(post_ops, 1.0f, 0, dnnl_data_type_undef));
#else
        TRY(dnnl_post_ops_append_sum(post_ops, 1.0f));
#endif
        TRY(dnnl_primitive_attr_set_post_ops(attributes, post_ops));
    }
    dnnl_primitive_desc_t primitive_descriptor = NULL;
#if DNNL_VERSION_MAJOR >= 3
    TRY(dnnl_matmul_primitive_desc_create(&primitive_descriptor, engine, a, b, NULL, c, attributes));
#else
    dnnl_matmul_desc_t operation;
    TRY(dnnl_matmul_desc_init(&operation, &a, &b, NULL, &c));
    TRY(dnnl_primitive_desc_create(&primitive_descriptor, &operation, attributes, engine, NULL));
#endif
    TRY(dnnl_primitive_create(&e->primitive, primitive_descriptor));
    TRY(make_memory(&e->a, &a));
    TRY(make_memory(&e->b, &b));
    TRY(make_memory(&e->c, &c));
    if (primitive_descriptor) dnnl_primitive_desc_destroy(primitive_descriptor);
    if (post_ops) dnnl_post_ops_destroy(post_ops);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
#if DNNL_VERSION_MAJOR >= 3
    if (a) dnnl_memory_desc_destroy(a);
    if (b) dnnl_memory_desc_destroy(b);
    if (c) dnnl_memory_desc_destroy(c);
#endif
    e->shape = *s;
    return status;
}

static uint64_t hash(const lethe_gemm_shape *s, int threads) {
    const uint64_t fields[] = {
        (uint64_t)s->m, (uint64_t)s->n, (uint64_t)s->k, (uint64_t)s->lda, (uint64_t)s->ldb, (uint64_t)s->ldc,
        (uint64_t)(s->transpose_a | s->transpose_b << 1 | s->accumulate << 2 | s->type_ab << 3 | s->type_c << 8),
        (uint64_t)threads};
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) value = (value ^ fields[i]) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 32;
}

// The slot that holds a shape, or the empty one where it belongs. Never full: there are four slots for an entry.
static int32_t *slot_of(const lethe_gemm_shape *s, int threads) {
    for (uint64_t i = hash(s, threads);; i++) {
        int32_t *slot = &slots[i & (SLOTS - 1)];
        if (!*slot || (entries[*slot - 1].threads == threads && same(&entries[*slot - 1].shape, s))) return slot;
    }
}

// Makes room by releasing the entries whose last use lies in the oldest quarter of all uses; always the oldest one.
static void evict(void) {
    uint64_t least = entries[0].last_use, limit = clock_tick;
    for (int i = 0; i < entry_count; i++) {
        if (entries[i].last_use < least) least = entries[i].last_use;
    }
    limit = least + (limit - least) / 4;
    int kept = 0;
    for (int i = 0; i < entry_count; i++) {
        if (entries[i].last_use <= limit) release(&entries[i]);
        else entries[kept++] = entries[i];
    }
    memset(&entries[kept], 0, (size_t)(entry_count - kept) * sizeof *entries);
    entry_count = kept;
    memset(slots, 0, SLOTS * sizeof *slots);
    for (int i = 0; i < entry_count; i++) *slot_of(&entries[i].shape, entries[i].threads) = i + 1;
}

static dnnl_status_t find(const lethe_gemm_shape *s, int threads, entry **found) {
    if (!entries) {
        entries = calloc(CAPACITY, sizeof *entries);
        slots = calloc(SLOTS, sizeof *slots);
        if (!entries || !slots) {
            free(entries);
            free(slots);
            entries = NULL;
            slots = NULL;
            return dnnl_out_of_memory;
        }
    }
    int32_t *slot = slot_of(s, threads);
    if (!*slot) {
        if (entry_count == CAPACITY) {
            evict();
            slot = slot_of(s, threads);
        }
        entry *made = &entries[entry_count];
        dnnl_status_t status = build(made, s);
        if (status != dnnl_success) {
            release(made);
            return status;
        }
        made->threads = threads;
        *slot = ++entry_count;
    }
    *found = &entries[*slot - 1];
    return dnnl_success;
}

int lethe_gemm(const lethe_gemm_shape *s, const void *a, const void *b, void *c) {
    if (s->m <= 0 || s->n <= 0) return 0;
    pthread_mutex_lock(&lock);
    entry *e = NULL;
    dnnl_status_t status = find(s, omp_get_max_threads(), &e);
    if (status == dnnl_success) {
        e->last_use = ++clock_tick;
        TRY(dnnl_memory_set_data_handle(e->a, (void *)a));
        TRY(dnnl_memory_set_data_handle(e->b, (void *)b));
        TRY(dnnl_memory_set_data_handle(e->c, c));
        dnnl_exec_arg_t arguments[3] = {
            {DNNL_ARG_SRC, e->a}, {DNNL_ARG_WEIGHTS, e->b}, {DNNL_ARG_DST, e->c}};
        TRY(dnnl_primitive_execute(e->primitive, stream, 3, arguments));
        TRY(dnnl_stream_wait(stream));
    }
    pthread_mutex_unlock(&lock);
    return (int)status;
}

void lethe_set_thread_count(int count) { omp_set_num_threads(count < 1 ? 1 : count); }

int lethe_thread_count(void) { return omp_get_max_threads(); }

int lethe_has_bf16(void) {
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

const char *lethe_isa_name(void) {
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    if ((isa & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx) return "avx512_core_amx";
    if ((isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16) return "avx512_core_bf16";
    if ((isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni) return "avx512_core_vnni";
    if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core) return "avx512_core";
    if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2) return "avx2";
    return "sse41";
}

void lethe_onednn_version(int *major, int *minor, int *patch) {
    const dnnl_version_t *version = dnnl_version();
    *major = version->major;
    *minor = version->minor;
    *patch = version->patch;
}

const char *lethe_onednn_status(int status) {
    switch (status) {
        case dnnl_success: return "success";
        case dnnl_out_of_memory: return "out of memory";
        case dnnl_invalid_arguments: return "invalid arguments";
        case dnnl_unimplemented: return "unimplemented";
        default: return "runtime error";
    }
}
