/* What stops a run (signals, the time that it was given), and progress: one line on a terminal that
   is written again and again, elsewhere a line a minute. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal, held;
static double deadline; /* on the clock of `now`; 0: none */

static const double terminal_seconds = .1, log_seconds = 60; /* from one line to the next */

/* There is one standard error, so there is one progress line. */
static struct {
  bool show, terminal, visible;
  char what[96];
  int64_t first; /* done when `what` began: a resumed run has a head start */
  double began, printed;
} line;

/* The second one kills, as soon as this function returns and unblocks it. */
static void on_signal(int number) {
  if (!stop_signal) {
    stop_signal = number;
  } else if (!held) {
    signal(number, SIG_DFL);
    raise(number);
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* "1:02:03" or "2:03". */
static void duration_text(char text[32], double seconds) {
  long long whole = seconds < 1e9 ? (long long)(seconds + .5) : 1000000000;
  if (whole >= 3600)
    snprintf(text, 32, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf(text, 32, "%lld:%02lld", whole / 60, whole % 60);
}

static void print_line(const cutlab_progress *progress, double time) {
  bool measured = time - line.began > .1;
  double rate = measured ? (double)(progress->done - line.first) / (time - line.began) : 0;
  fprintf(stderr, "%s%s: %lld", line.terminal ? "\r\033[K" : "", progress->what,
          (long long)progress->done);
  if (progress->total) fprintf(stderr, "/%lld", (long long)progress->total);
  if (rate > 0) {
    fprintf(stderr, ", %.*f/s", rate < 10 ? 2 : 0, rate);
    char left[32];
    duration_text(left, (double)(progress->total - progress->done) / rate);
    if (progress->total >= progress->done && progress->total) fprintf(stderr, ", %s left", left);
  }
  if (!line.terminal) fputc('\n', stderr);
  fflush(stderr);
  line.visible = line.terminal;
  line.printed = time;
}

static int report(void *user, const cutlab_progress *progress) {
  (void)user;
  if (line.show) {
    double time = now();
    if (line.printed == 0) line.printed = time; /* what takes a moment shows nothing */
    if (strncmp(line.what, progress->what, sizeof line.what - 1) != 0 ||
        progress->done < line.first) {
      snprintf(line.what, sizeof line.what, "%s", progress->what);
      line.first = progress->done;
      line.began = time;
    }
    double pause = line.terminal ? terminal_seconds : log_seconds;
    if (time - line.printed > pause) print_line(progress, time);
  }
  return stop_signal != 0 || (deadline > 0 && now() > deadline);
}

/* A signal that the caller ignores (nohup, background jobs of scripts) stays ignored. */
static void stop_on(int number) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  struct sigaction before;
  if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
  sigaction(number, &action, NULL);
}

void cutlab_progress_start(cutlab_context *context, bool show, double minutes) {
  deadline = minutes > 0 ? now() + 60 * minutes : 0;
  line.show = show;
  line.terminal = isatty(STDERR_FILENO);
  stop_on(SIGINT);
  stop_on(SIGTERM);
  stop_on(SIGHUP);
  cutlab_context_set_progress(context, report, NULL);
}

int cutlab_progress_step(const char *what, int64_t done, int64_t total) {
  return report(NULL, &(cutlab_progress){what, done, total});
}

void cutlab_progress_clear(void) {
  if (line.visible) fputs("\r\033[K", stderr);
  line.visible = false;
}

void cutlab_progress_hold(bool hold) {
  held = hold;
}

int cutlab_progress_signal(void) {
  return stop_signal;
}
