// Fork-join over tiles. A job is announced by one 64-bit word, `ticket` = tiles << 32 | next tile; a thread claims a
// tile by raising it. Whoever holds a claimed tile may read the job's function, because the owner can't announce the
// next job before every tile is done. So a thread that wakes late finds nothing to claim and nobody waits for it.

#define _GNU_SOURCE
#include "workers.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE 64
enum { spins = 4000, yields = 4 };

struct apprentice_workers {
  int64_t threads;
  apprentice_tile_function function;
  void *context;
  _Alignas(LINE) _Atomic uint64_t ticket;
  _Alignas(LINE) _Atomic uint32_t done;
  _Atomic uint32_t owner_waits;
  _Alignas(LINE) _Atomic uint32_t epoch;
  _Atomic uint32_t sleepers;
  _Atomic uint32_t stopping;
  pthread_t *handles;
  struct worker_argument *arguments;
};

struct worker_argument {
  apprentice_workers *workers;
  int64_t index;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Claims a tile of the current job, or returns -1 if none is left.
static int64_t claim(apprentice_workers *w, uint32_t *tiles) {
  uint64_t ticket = atomic_load_explicit(&w->ticket, memory_order_relaxed);
  for (;;) {
    uint32_t next = (uint32_t)ticket, total = (uint32_t)(ticket >> 32);
    if (next >= total) return -1;
    if (atomic_compare_exchange_weak_explicit(
            &w->ticket, &ticket, ticket + 1, memory_order_acquire, memory_order_relaxed)) {
      *tiles = total;
      return next;
    }
  }
}

/// Works on tiles until none is left.
static void work(apprentice_workers *w, int64_t index) {
  uint32_t tiles = 0;
  for (int64_t tile; (tile = claim(w, &tiles)) >= 0;) {
    w->function(w->context, tile, index);
    if (atomic_fetch_add_explicit(&w->done, 1, memory_order_seq_cst) + 1 == tiles &&
        atomic_load_explicit(&w->owner_waits, memory_order_seq_cst))
      futex_wake(&w->done, 1);
  }
}

static int has_work(apprentice_workers *w) {
  uint64_t ticket = atomic_load_explicit(&w->ticket, memory_order_seq_cst);
  return (uint32_t)ticket < (uint32_t)(ticket >> 32);
}

static void *worker_main(void *raw) {
  struct worker_argument *argument = raw;
  apprentice_workers *w = argument->workers;
  while (!atomic_load_explicit(&w->stopping, memory_order_relaxed)) {
    int found = 0;
    for (int i = 0; i < spins + yields && !found; i++) {
      found = has_work(w) || atomic_load_explicit(&w->stopping, memory_order_relaxed);
      if (i < spins) relax(); else sched_yield();
    }
    if (!found) {
      uint32_t epoch = atomic_load_explicit(&w->epoch, memory_order_seq_cst);
      atomic_fetch_add_explicit(&w->sleepers, 1, memory_order_seq_cst);
      if (!has_work(w) && !atomic_load_explicit(&w->stopping, memory_order_seq_cst)) futex_wait(&w->epoch, epoch);
      atomic_fetch_sub_explicit(&w->sleepers, 1, memory_order_seq_cst);
    }
    work(w, argument->index);
  }
  return NULL;
}

static void announce(apprentice_workers *w) {
  atomic_fetch_add_explicit(&w->epoch, 1, memory_order_seq_cst);
  uint32_t sleepers = atomic_load_explicit(&w->sleepers, memory_order_seq_cst);
  if (sleepers) futex_wake(&w->epoch, (int)sleepers);
}

apprentice_workers *apprentice_workers_create(int64_t threads) {
  apprentice_workers *w = aligned_alloc(LINE, sizeof(apprentice_workers));
  if (!w) return NULL;
  *w = (apprentice_workers){.threads = threads};
  w->handles = calloc((size_t)threads, sizeof(pthread_t));
  w->arguments = calloc((size_t)threads, sizeof(struct worker_argument));
  if (!w->handles || !w->arguments) return NULL;
  for (int64_t i = 1; i < threads; i++) {
    w->arguments[i] = (struct worker_argument){w, i};
    if (pthread_create(&w->handles[i], NULL, worker_main, &w->arguments[i]) != 0) {
      w->threads = i;  // go on with the threads that the system gives
      break;
    }
  }
  return w;
}

void apprentice_workers_destroy(apprentice_workers *w) {
  atomic_store_explicit(&w->stopping, 1, memory_order_seq_cst);
  announce(w);
  for (int64_t i = 1; i < w->threads; i++) pthread_join(w->handles[i], NULL);
  free(w->handles);
  free(w->arguments);
  free(w);
}

void apprentice_workers_run(
    apprentice_workers *w, int64_t tiles, apprentice_tile_function function, void *context) {
  if (w->threads == 1 || tiles <= 1) {
    for (int64_t tile = 0; tile < tiles; tile++) function(context, tile, 0);
    return;
  }
  w->function = function;
  w->context = context;
  atomic_store_explicit(&w->done, 0, memory_order_relaxed);
  atomic_store_explicit(&w->ticket, (uint64_t)tiles << 32, memory_order_seq_cst);
  announce(w);
  work(w, 0);
  for (int i = 0; i < spins; i++) {
    if (atomic_load_explicit(&w->done, memory_order_acquire) == (uint32_t)tiles) return;
    relax();
  }
  atomic_store_explicit(&w->owner_waits, 1, memory_order_seq_cst);
  for (uint32_t done; (done = atomic_load_explicit(&w->done, memory_order_seq_cst)) != (uint32_t)tiles;)
    futex_wait(&w->done, done);
  atomic_store_explicit(&w->owner_waits, 0, memory_order_seq_cst);
}
