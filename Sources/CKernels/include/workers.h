#ifndef APPRENTICE_WORKERS_H
#define APPRENTICE_WORKERS_H

#include <stdint.h>

/// Persistent threads that share out the tiles of one job at a time.
typedef struct apprentice_workers apprentice_workers;

/// The work of one tile. `worker` is the index of the thread, for scratch memory only.
typedef void (*apprentice_tile_function)(void *context, int64_t tile, int64_t worker);

/// Starts `threads - 1` threads; the caller of `apprentice_workers_run` is worker 0. NULL if the system refuses.
apprentice_workers *apprentice_workers_create(int64_t threads);

/// Ends the threads. No job may be running.
void apprentice_workers_destroy(apprentice_workers *workers);

/// Runs `function` once for every tile in 0 ..< tiles and returns when all are done. Not reentrant.
void apprentice_workers_run(
    apprentice_workers *workers, int64_t tiles, apprentice_tile_function function, void *context);

#endif
