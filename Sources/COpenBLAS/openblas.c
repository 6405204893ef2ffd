#define _GNU_SOURCE
#include "COpenBLAS.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static __typeof__(cblas_sgemm) *multiply;
static __typeof__(openblas_get_corename) *core;
static __typeof__(openblas_get_config) *configuration;

static void *(*take_buffer)(int);
static void (*give_buffer)(void *);

static pthread_once_t once = PTHREAD_ONCE_INIT;

// OpenBLAS maps so much for every thread that is inside a product (BUFFER_SIZE of 0.3 on x86-64), and keeps it. Where
// the system refuses, it asks again for ever.
static const size_t buffer_size = (size_t)128 << 20;

// As the dynamic loader would end a process whose library is absent.
static void fail(void) {
  fprintf(stderr, "apprentice: OpenBLAS can't be loaded: %s; install the package libopenblas0\n", dlerror());
  _exit(1);
}

static void *find(void *library, const char *name) {
  void *symbol = dlsym(library, name);
  if (symbol == NULL) fail();
  return symbol;
}

static void load(void) {
  // Read when the library starts: its own threads would take memory and be of no use.
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  void *library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) fail();
  multiply = (__typeof__(multiply))find(library, "cblas_sgemm");
  core = (__typeof__(core))find(library, "openblas_get_corename");
  configuration = (__typeof__(configuration))find(library, "openblas_get_config");
  // Absent from builds with another allocator; then nothing can be asked for beforehand.
  take_buffer = (void *(*)(int))dlsym(library, "blas_memory_alloc");
  give_buffer = (void (*)(void *))dlsym(library, "blas_memory_free");
  // Always one thread, on tiles whose borders depend on shapes alone: its own threads would change bits.
  __typeof__(openblas_set_num_threads) *set_threads =
      (__typeof__(set_threads))find(library, "openblas_set_num_threads");
  set_threads(1);
}

long openblas_prepare(int threads) {
  enum { most = 1024 };
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static int prepared = 0;
  static void *buffers[most];
  pthread_once(&once, load);
  if (take_buffer == NULL || give_buffer == NULL) return 0;
  long missing = 0;
  pthread_mutex_lock(&mutex);
  if (threads > most) threads = most;
  if (threads > prepared) {
    const size_t size = (size_t)(threads - prepared) * buffer_size;
    void *space = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) {
      missing = (long)size;
    } else {
      munmap(space, size);
      // All at once, or the first would be handed out again.
      for (int i = 0; i < threads; i++) buffers[i] = take_buffer(0);
      for (int i = 0; i < threads; i++) give_buffer(buffers[i]);
      prepared = threads;
    }
  }
  pthread_mutex_unlock(&mutex);
  return missing;
}

void openblas_multiply(
    int is_left_transposed, int is_right_transposed, int rows, int columns, int inner, const float *left,
    int left_stride, const float *right, int right_stride, float accumulate, float *result, int result_stride) {
  pthread_once(&once, load);
  multiply(
      CblasRowMajor, is_left_transposed ? CblasTrans : CblasNoTrans, is_right_transposed ? CblasTrans : CblasNoTrans,
      rows, columns, inner, 1, left, left_stride, right, right_stride, accumulate, result, result_stride);
}

const char *openblas_core(void) {
  pthread_once(&once, load);
  return core();
}

const char *openblas_configuration(void) {
  pthread_once(&once, load);
  return configuration();
}
