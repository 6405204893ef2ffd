internal import CKernels

/// Threads that share out the tiles of one job at a time.
///
/// Tile borders are the caller's and depend on shapes alone; which thread takes which tile is left to chance. So a job
/// whose tiles write to places of their own gives the same bits for any number of threads.
public final class WorkerPool: @unchecked Sendable {
  /// How many threads work, the caller's included.
  public let threads: Int
  private let workers: OpaquePointer

  /// Starts `threads - 1` threads.
  public init(threads: Int) {
    precondition(threads >= 1, "a worker pool needs a thread")
    self.threads = threads
    guard let workers = apprentice_workers_create(Int64(threads)) else {
      endForWantOfMemory(0, "\(threads) threads")
    }
    self.workers = workers
  }

  deinit { apprentice_workers_destroy(workers) }

  /// Calls `body` with every tile in `0 ..< tiles`, on all threads, and returns when all are done.
  ///
  /// Not to be called from within `body`, nor from two threads at once.
  package func parallel(_ tiles: Int, _ body: (_ tile: Int) -> Void) {
    parallel(tiles) { tile, _ in body(tile) }
  }

  /// The same, with the index of the thread below `threads`, which must choose nothing but scratch memory.
  package func parallel(_ tiles: Int, _ body: (_ tile: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var job = Job(body: body)
      withUnsafeMutablePointer(to: &job) { job in
        apprentice_workers_run(
          workers, Int64(tiles),
          { context, tile, worker in
            guard let context else { return }
            context.assumingMemoryBound(to: Job.self).pointee.body(Int(tile), Int(worker))
          }, job)
      }
    }
  }

  private struct Job {
    let body: (Int, Int) -> Void
  }
}
