// What Swift can't call itself: vfork, and the variadic or macro-only parts of the Linux interface.
#ifndef CPROCESS_H
#define CPROCESS_H

#include <sys/types.h>

/// A descriptor of ours and the number that the child knows it by.
struct process_descriptor {
  int ours;
  int theirs;
};

/// The most descriptors that a child can be given.
#define PROCESS_DESCRIPTORS 8

/// What to start; the child's numbers for its descriptors lie below 8.
struct process_request {
  const char *executable;
  char *const *arguments;
  char *const *environment;
  /// The working directory, or null to keep ours.
  const char *directory;
  const struct process_descriptor *descriptors;
  int descriptor_count;
  /// Whether the child leads a process group of its own.
  int new_group;
  /// The signal it gets when the starting thread ends, or 0.
  int death_signal;
};

/// Starts a child with default signal handlers and an empty signal mask; returns 0, or the error number of what failed
/// before or in `execve`.
int process_start(const struct process_request *request, pid_t *child);

/// Makes a pipe whose ends are closed on exec; -1 and errno on failure.
int process_pipe(int ends[2]);

/// Blocks the signals and returns a descriptor that reads them, closed on exec and non-blocking; -1 and errno on failure.
int process_signal_descriptor(const int *signals, int count);

/// Closes the descriptor and lets through again what was not blocked before it was made.
void process_release_signals(int descriptor);

/// Whether a signal is ignored, as nohup has it for SIGHUP.
int process_is_ignored(int signal);

/// The next signal that waits at the descriptor, or 0.
int process_next_signal(int descriptor);

/// How many processors this process may run on.
int process_available_processors(void);

/// From now on an interrupt, a hang-up or a termination only sets a flag.
void process_flag_interruption(void);

/// Whether such a signal has come.
int process_is_interrupted(void);

/// From now on processes whose parents end become children of this one, whatever group or session they are in.
void process_adopt_orphans(void);

/// Kills orphans that this process has adopted, with all that they started, and waits for them: children that it did not
/// start itself and whose environment has this variable, `NAME=value`, all of them where that is empty. With NULL, every
/// child.
void process_end_orphans(const char *variable);

/// To be called when a child that `process_start` has started was waited for: its number may become another's.
void process_was_waited_for(pid_t child);

/// Kills the process group of the caller, with all that it started in groups and sessions of their own, as soon as the
/// descriptor reads its end: nobody else writes to it, so its end means that the parent is gone. Returns 0 or an error
/// number.
int process_guard_group(int descriptor);

#endif
