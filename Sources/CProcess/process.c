#define _GNU_SOURCE
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// Above every number that a child knows a descriptor by.
enum { FIRST_UNUSED = 8 };

static void fail(int report) {
  int error = errno;
  ssize_t written = write(report, &error, sizeof error);
  (void)written;
  _exit(127);
}

// Runs in the child between vfork and execve, on our stack and in our memory: calls that are safe after a fork of a threaded
// process, and nothing written that the parent reads but errno.
__attribute__((noinline)) static void become(const struct process_request *request, int report, pid_t parent) {
  if (request->new_group && setpgid(0, 0) != 0) fail(report);
  if (request->death_signal != 0) {
    if (prctl(PR_SET_PDEATHSIG, request->death_signal) != 0) fail(report);
    if (getppid() != parent) _exit(127);
  }
  struct sigaction normal;
  memset(&normal, 0, sizeof normal);
  normal.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; number++) sigaction(number, &normal, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // Ours go out of the way first: one's number may be what another is to be called.
  int moved[PROCESS_DESCRIPTORS];
  for (int i = 0; i < request->descriptor_count; i++) {
    moved[i] = fcntl(request->descriptors[i].ours, F_DUPFD_CLOEXEC, FIRST_UNUSED);
    if (moved[i] < 0) fail(report);
  }
  for (int i = 0; i < request->descriptor_count; i++) {
    if (dup2(moved[i], request->descriptors[i].theirs) < 0) fail(report);
  }
  if (request->directory != NULL && chdir(request->directory) != 0) fail(report);
  execve(request->executable, request->arguments, request->environment);
  fail(report);
}

// Children that process_start has started and nobody has waited for yet: no orphans. The lock is held across the fork, so
// that no child is seen before it is noted.
static pthread_mutex_t started_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t *started_list = NULL;
static size_t started_count = 0, started_room = 0;

static int is_among(pid_t process, const pid_t *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (list[i] == process) return 1;
  }
  return 0;
}

void process_was_waited_for(pid_t child) {
  pthread_mutex_lock(&started_lock);
  for (size_t i = 0; i < started_count; i++) {
    if (started_list[i] == child) started_list[i--] = started_list[--started_count];
  }
  pthread_mutex_unlock(&started_lock);
}

int process_start(const struct process_request *request, pid_t *child) {
  if (request->descriptor_count > PROCESS_DESCRIPTORS) return EINVAL;
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  // The child's own numbers must not fall on the reporting end.
  int end = fcntl(report[1], F_DUPFD_CLOEXEC, FIRST_UNUSED);
  close(report[1]);
  if (end < 0) {
    int error = errno;
    close(report[0]);
    return error;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pthread_mutex_lock(&started_lock);
  if (started_count == started_room) {
    size_t room = started_room == 0 ? 16 : 2 * started_room;
    pid_t *larger = realloc(started_list, room * sizeof *larger);
    if (larger != NULL) {
      started_list = larger;
      started_room = room;
    }
  }
  // Not fork: it copies the tables of all our memory, which grows with the pipeline, at every start.
  pid_t started = started_count < started_room ? vfork() : (errno = ENOMEM, -1);
  if (started == 0) become(request, end, parent);
  int error = errno;
  if (started > 0) started_list[started_count++] = started;
  pthread_mutex_unlock(&started_lock);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(end);
  if (started < 0) {
    close(report[0]);
    return error;
  }
  error = 0;
  ssize_t count;
  do count = read(report[0], &error, sizeof error);
  while (count < 0 && errno == EINTR);
  close(report[0]);
  if (count == (ssize_t)sizeof error) {
    int status;
    while (waitpid(started, &status, 0) < 0 && errno == EINTR) {}
    process_was_waited_for(started);
    return error;
  }
  *child = started;
  return 0;
}

int process_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int process_is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static sigset_t mask_before;

int process_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) {
    // nohup asks not to be ended with the terminal.
    if (signals[i] != SIGHUP || !process_is_ignored(SIGHUP)) sigaddset(&set, signals[i]);
  }
  int error = pthread_sigmask(SIG_BLOCK, &set, &mask_before);
  if (error != 0) {
    errno = error;
    return -1;
  }
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void process_release_signals(int descriptor) {
  close(descriptor);
  pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
}

int process_next_signal(int descriptor) {
  struct signalfd_siginfo info;
  ssize_t count;
  do count = read(descriptor, &info, sizeof info);
  while (count < 0 && errno == EINTR);
  return count == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

int process_available_processors(void) {
  for (int size = 1024; size <= 1 << 20; size *= 2) {
    cpu_set_t *set = CPU_ALLOC(size);
    if (set == NULL) break;
    int found = sched_getaffinity(0, CPU_ALLOC_SIZE(size), set) == 0;
    int count = found ? CPU_COUNT_S(CPU_ALLOC_SIZE(size), set) : 0;
    CPU_FREE(set);
    if (found) return count > 0 ? count : 1;
    if (errno != EINVAL) break;
  }
  return 1;
}

static volatile sig_atomic_t interrupted = 0;

static void interrupt(int number) {
  (void)number;
  interrupted = 1;
}

void process_flag_interruption(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupt;
  action.sa_flags = SA_RESTART;
  const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (numbers[i] != SIGHUP || !process_is_ignored(SIGHUP)) sigaction(numbers[i], &action, NULL);
  }
}

int process_is_interrupted(void) { return interrupted != 0; }

static volatile sig_atomic_t adopts = 0;

void process_adopt_orphans(void) { adopts = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0; }

struct family {
  pid_t process, parent;
};

// All processes with their parents; the caller frees the list.
static struct family *processes(size_t *count) {
  DIR *directory = opendir("/proc");
  struct family *list = NULL;
  size_t room = 0;
  *count = 0;
  if (directory == NULL) return NULL;
  struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    char *end;
    long process = strtol(entry->d_name, &end, 10);
    if (*end != 0 || process <= 0) continue;
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) continue;
    text[size] = 0;
    // The name in parentheses may hold anything.
    char *name = strrchr(text, ')');
    int parent;
    if (name == NULL || sscanf(name + 1, " %*c %d", &parent) != 1) continue;
    if (*count == room) {
      room = room == 0 ? 256 : 2 * room;
      struct family *larger = realloc(list, room * sizeof *list);
      if (larger == NULL) break;
      list = larger;
    }
    list[(*count)++] = (struct family){(pid_t)process, (pid_t)parent};
  }
  closedir(directory);
  return list;
}

// Whether there may be children that are not among those: a cheap look, so that the usual end of a job costs no list of all
// processes.
static int may_have_others(const pid_t *known, size_t count) {
  siginfo_t info;
  if (count == 0 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return 0;
  DIR *directory = opendir("/proc/self/task");
  if (directory == NULL) return 1;
  int found = 0;
  struct dirent *entry;
  while (!found && (entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    char path[300], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%s/children", entry->d_name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    if (size < 0 || size == sizeof text - 1) {
      found = 1;
      break;
    }
    text[size] = 0;
    for (char *rest = text; *rest != 0;) {
      char *end;
      long child = strtol(rest, &end, 10);
      if (end == rest) break;
      if (!is_among((pid_t)child, known, count)) found = 1;
      rest = end;
    }
  }
  closedir(directory);
  return found;
}

// Whether a process was given an environment with this variable.
static int has_variable(pid_t process, const char *variable) {
  if (variable[0] == 0) return 1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/environ", (int)process);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t room = 1 << 17, size = 0;
  char *text = malloc(room + 1);
  while (text != NULL && size < room) {
    ssize_t part = read(file, text + size, room - size);
    if (part <= 0) break;
    size += (size_t)part;
  }
  close(file);
  int found = 0;
  if (text != NULL) text[size] = 0;
  for (size_t start = 0; !found && text != NULL && start < size; start += strlen(text + start) + 1) {
    found = strcmp(text + start, variable) == 0;
  }
  free(text);
  return found;
}

void process_end_orphans(const char *variable) {
  int all_children = variable == NULL;
  // Of a process that adopts none, other children are somebody else's.
  if (!all_children && variable[0] == 0 && !adopts) return;
  // What is killed hands its children on to us, so that a second look finds them; a few looks bound the work.
  for (int look = 0; look < 16; look++) {
    pthread_mutex_lock(&started_lock);
    size_t known = all_children ? 0 : started_count, found = 0, count = 0;
    struct family *all = may_have_others(started_list, known) ? processes(&count) : NULL;
    pid_t *orphans = all == NULL ? NULL : malloc((count + 1) * sizeof *orphans);
    pid_t self = getpid();
    for (int grew = orphans != NULL; grew;) {
      grew = 0;
      for (size_t i = 0; i < count; i++) {
        int is_orphan = all[i].parent == self && !is_among(all[i].process, started_list, known)
                        && (all_children || has_variable(all[i].process, variable));
        if (!is_orphan && !is_among(all[i].parent, orphans, found)) continue;
        if (all[i].process == self || is_among(all[i].process, orphans, found)) continue;
        if (is_among(all[i].process, started_list, known)) continue;
        orphans[found++] = all[i].process;
        grew = 1;
      }
    }
    pthread_mutex_unlock(&started_lock);
    for (size_t i = 0; i < found; i++) kill(orphans[i], SIGKILL);
    for (size_t i = 0; i < count && found > 0; i++) {
      if (all[i].parent == self && is_among(all[i].process, orphans, found)) {
        int status;
        while (waitpid(all[i].process, &status, 0) < 0 && errno == EINTR) {}
      }
    }
    free(all);
    free(orphans);
    if (found == 0) return;
  }
}

static void *guard(void *argument) {
  int descriptor = (int)(intptr_t)argument;
  char byte;
  for (;;) {
    ssize_t count = read(descriptor, &byte, 1);
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    process_end_orphans(NULL);
    if (getpgrp() == getpid()) kill(0, SIGKILL);
    _exit(137);
  }
}

int process_guard_group(int descriptor) {
  process_adopt_orphans();
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Signals are the main thread's business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  error = pthread_create(&thread, &attributes, guard, (void *)(intptr_t)descriptor);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}
