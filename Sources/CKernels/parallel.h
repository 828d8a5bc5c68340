// Parallel loops on libgomp's threads, the ones that oneDNN uses, called through libgomp's own entry point so that no
// compiler flag is needed.
#pragma once
#include <stdint.h>

extern void GOMP_parallel(void (*function)(void *), void *data, unsigned thread_count, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int omp_get_max_threads(void);

typedef void (*lethe_range_function)(void *context, int64_t begin, int64_t end);

typedef struct {
    lethe_range_function function;
    void *context;
    int64_t count, quantum;
} lethe_range;

static void lethe_range_entry(void *data) {
    const lethe_range *range = data;
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    int64_t quanta = (range->count + range->quantum - 1) / range->quantum;
    int64_t begin = quanta * thread / threads * range->quantum;
    int64_t end = quanta * (thread + 1) / threads * range->quantum;
    if (end > range->count) end = range->count;
    if (begin < end) range->function(range->context, begin, end);
}

// Runs function over [0, count) in one contiguous part a thread, parts a multiple of quantum long; on the calling
// thread alone when work (about one unit an element operation) is too little to share.
static inline void lethe_parallel(int64_t count, int64_t quantum, int64_t work, lethe_range_function function,
                                  void *context) {
    if (count <= 0) return;
    lethe_range range = {function, context, count, quantum};
    if (work < 20000 || count <= quantum || omp_get_max_threads() == 1) {
        function(context, 0, count);
    } else {
        GOMP_parallel(lethe_range_entry, &range, 0, 0);
    }
}

// The loop body of every kernel is compiled once for each of these. A level of x86-64 is chosen by what the processor
// can do, while the name of a processor would be chosen only on that one's maker's.
#if defined(__x86_64__)
#define LETHE_CLONES __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define LETHE_CLONES
#endif
#define LETHE_INLINE static inline __attribute__((always_inline))
