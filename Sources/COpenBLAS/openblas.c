#define _GNU_SOURCE
#include "COpenBLAS.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static __typeof__(cblas_sgemm) *multiply;
static __typeof__(openblas_get_corename) *core;
static __typeof__(openblas_get_config) *configuration;

static pthread_once_t once = PTHREAD_ONCE_INIT;

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
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail();
  multiply = (__typeof__(multiply))find(library, "cblas_sgemm");
  core = (__typeof__(core))find(library, "openblas_get_corename");
  configuration = (__typeof__(configuration))find(library, "openblas_get_config");
  // Always one thread, on tiles whose borders depend on shapes alone: its own threads would change bits.
  __typeof__(openblas_set_num_threads) *set_threads =
      (__typeof__(set_threads))find(library, "openblas_set_num_threads");
  set_threads(1);
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
