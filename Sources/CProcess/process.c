#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// Above every number that a child knows a descriptor by.
enum { FIRST_UNUSED = 64 };

static void fail(int report) {
  int error = errno;
  ssize_t written = write(report, &error, sizeof error);
  (void)written;
  _exit(127);
}

// Runs in the child between fork and execve: only calls that are safe after a fork of a threaded process.
static void become(const struct process_request *request, int report, pid_t parent) {
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
  pid_t started = fork();
  int error = errno;
  if (started == 0) become(request, end, parent);
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
    return error;
  }
  *child = started;
  return 0;
}

int process_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int process_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (error != 0) {
    errno = error;
    return -1;
  }
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
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
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

int process_is_interrupted(void) { return interrupted != 0; }

static void *guard(void *argument) {
  int descriptor = (int)(intptr_t)argument;
  char byte;
  for (;;) {
    ssize_t count = read(descriptor, &byte, 1);
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    if (getpgrp() == getpid()) kill(0, SIGKILL);
    _exit(137);
  }
}

int process_guard_group(int descriptor) {
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
