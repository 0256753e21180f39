/* Static figures: specifications as files, and through Node.js (SVG) and rsvg-convert (PDF,
   PNG), where these are installed, as pictures. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "report/report_internal.h"

extern char **environ;

/* Of a figure's files, the specification first. */
static const char *const extensions[] = {".vl.json", ".svg", ".pdf", ".png"};
enum { extension_count = sizeof extensions / sizeof *extensions };

/* The first line of what a tool complained, without its end. */
static void first_line(char *line, size_t size, const char *path) {
  line[0] = '\0';
  FILE *file = fopen(path, "r");
  if (!file) return;
  if (!fgets(line, (int)size, file)) line[0] = '\0';
  line[strcspn(line, "\n")] = '\0';
  fclose(file);
}

static bool was_stopped(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP;
}

/* The environment with a date of all documents, unless there is one: the same figure is the same
   bytes. */
static char **dated_environment(cutlab_context *context) {
  static const char date[] = "SOURCE_DATE_EPOCH=0";
  int count = 0;
  while (environ[count]) ++count;
  char **variables = cutlab_allocate(context, count + 2, sizeof *variables);
  if (!variables) return NULL;
  memcpy(variables, environ, (size_t)count * sizeof *variables);
  if (!getenv("SOURCE_DATE_EPOCH")) variables[count] = (char *)date; /* nobody writes to it */
  return variables;
}

/* Starts a program found on PATH, its error output going to the file `log`; *missing if there
   is no such program. */
static cutlab_status run_tool(cutlab_context *context, bool *missing, const char *const *arguments,
                              const char *log) {
  posix_spawn_file_actions_t actions;
  pid_t process;
  int state;
  if (posix_spawn_file_actions_init(&actions) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: running %s", arguments[0]);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char **variables = dated_environment(context);
  int error = variables ? posix_spawnp(&process, arguments[0], &actions, NULL,
                                       (char *const *)arguments, variables)
                        : ENOMEM;
  free(variables);
  posix_spawn_file_actions_destroy(&actions);
  *missing = error == ENOENT;
  if (*missing) return CUTLAB_OK;
  if (error)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot run %s: %s", arguments[0],
                       strerror(error));
  while (waitpid(process, &state, 0) < 0)
    if (errno != EINTR)
      return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot wait for %s: %m", arguments[0]);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return CUTLAB_OK;
  /* A signal to the whole group, such as Ctrl-C, may end the tool first. */
  if (WIFSIGNALED(state) && was_stopped(WTERMSIG(state)))
    return cutlab_fail(context, CUTLAB_CANCELLED, "cancelled: drawing figures");
  char complaint[400];
  first_line(complaint, sizeof complaint, log);
  return cutlab_fail(context, CUTLAB_ERROR_IO, "%s failed (%s %d): %s", arguments[0],
                     WIFEXITED(state) ? "exit status" : "signal",
                     WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state), complaint);
}

/* FOLDER/figures/NAME with `extension`. */
static char *figure_path(cutlab_context *context, const char *folder, const char *name,
                         const char *extension) {
  char *path;
  if (asprintf(&path, "%s/figures/%s%s", folder, name, extension) >= 0) return path;
  cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: path of figure %s", name);
  return NULL;
}

/* Whether the specification on disk is `text` and no picture of it is missing or older. */
static bool up_to_date(cutlab_context *context, const char *folder, const char *name,
                       const char *text) {
  struct stat first, status;
  for (int i = 0; i < extension_count; ++i) {
    char *path = figure_path(context, folder, name, extensions[i]);
    bool there = path && stat(path, i ? &status : &first) == 0;
    char *old = NULL;
    size_t size;
    bool same = there && (i || (cutlab_file_read(context, &old, &size, path, 0) == CUTLAB_OK &&
                                strcmp(old, text) == 0));
    free(old);
    free(path);
    if (!same) return false;
    if (i && (status.st_mtim.tv_sec < first.st_mtim.tv_sec ||
              (status.st_mtim.tv_sec == first.st_mtim.tv_sec &&
               status.st_mtim.tv_nsec < first.st_mtim.tv_nsec)))
      return false;
  }
  return true;
}

/* Writes the specification; *stale tells whether its pictures must be drawn. */
static cutlab_status write_spec(cutlab_context *context, bool *stale, const char *folder,
                                const cutlab_report_figure *figure) {
  json_t *file = cutlab_report_figure_file(figure);
  char *text = cutlab_report_compact(file);
  json_decref(file);
  char *path = figure_path(context, folder, figure->name, ".vl.json");
  cutlab_status status = CUTLAB_OK;
  if (!text || !path)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: figure %s", figure->name);
  *stale = status == CUTLAB_OK && !up_to_date(context, folder, figure->name, text);
  if (*stale) status = cutlab_file_write(context, path, text, strlen(text));
  free(path);
  free(text);
  return status;
}

/* One call of Node.js for all figures: it takes longer to start than to draw. */
static cutlab_status draw_svg(cutlab_context *context, bool *missing, const char *folder,
                              const char *workshop, const cutlab_report_figure *figures,
                              int count) {
  char **arguments = cutlab_allocate(context, count + 3, sizeof *arguments);
  if (!arguments) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = CUTLAB_OK;
  char *log = cutlab_path_join(context, workshop, "log");
  arguments[0] = strdup("node");
  arguments[1] = cutlab_path_join(context, workshop, "render.cjs");
  for (int i = 0; i < count; ++i) {
    arguments[i + 2] = figure_path(context, folder, figures[i].name, ".vl.json");
    if (!arguments[i + 2]) status = CUTLAB_ERROR_MEMORY;
  }
  if (!log || !arguments[0] || !arguments[1]) status = CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = run_tool(context, missing, (const char *const *)arguments, log);
  for (int i = 0; i < count + 2; ++i) free(arguments[i]);
  free(arguments);
  free(log);
  return status;
}

static cutlab_status convert(cutlab_context *context, bool *missing, const char *folder,
                             const char *log, const char *name, bool pdf) {
  char *svg = figure_path(context, folder, name, ".svg");
  char *target = figure_path(context, folder, name, pdf ? ".pdf" : ".png");
  const char *arguments[] = {
      "rsvg-convert", "-f", pdf ? "pdf" : "png", "-z", pdf ? "1" : "2", "-o", target, svg, NULL};
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (svg && target) status = run_tool(context, missing, arguments, log);
  free(svg);
  free(target);
  return status;
}

static cutlab_status convert_all(cutlab_context *context, const char *folder, const char *workshop,
                                 const cutlab_report_figure *figures, int count) {
  char *log = cutlab_path_join(context, workshop, "log");
  cutlab_status status = log ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  bool missing = false;
  for (int i = 0; status == CUTLAB_OK && !missing && i < 2 * count; ++i) {
    status = cutlab_report_progress(context, "converting figures", i, (int64_t)2 * count);
    if (status == CUTLAB_OK)
      status = convert(context, &missing, folder, log, figures[i / 2].name, i % 2);
  }
  if (missing)
    cutlab_warn(context, "rsvg-convert was not found: figures as .svg, not as .pdf and .png; "
                         "install librsvg2-bin");
  free(log);
  return status;
}

static const struct {
  const char *name, *text;
} workshop_files[] = {{"render.cjs", cutlab_asset_render},
                      {"vega.min.js", cutlab_asset_vega},
                      {"vega-lite.min.js", cutlab_asset_vega_lite}};
enum { workshop_file_count = sizeof workshop_files / sizeof *workshop_files };

static cutlab_status fill_workshop(cutlab_context *context, const char *workshop) {
  for (int i = 0; i < workshop_file_count; ++i) {
    char *path = cutlab_path_join(context, workshop, workshop_files[i].name);
    if (!path) return CUTLAB_ERROR_MEMORY;
    cutlab_status status =
        cutlab_file_write(context, path, workshop_files[i].text, strlen(workshop_files[i].text));
    free(path);
    CUTLAB_TRY(status);
  }
  return CUTLAB_OK;
}

static void remove_workshop(cutlab_context *context, const char *workshop) {
  for (int i = 0; i <= workshop_file_count; ++i) {
    char *path = cutlab_path_join(context, workshop,
                                  i < workshop_file_count ? workshop_files[i].name : "log");
    if (path) unlink(path);
    free(path);
  }
  rmdir(workshop);
}

static cutlab_status draw(cutlab_context *context, const char *folder, const char *workshop,
                          const cutlab_report_figure *figures, int count) {
  bool missing = false;
  CUTLAB_TRY(fill_workshop(context, workshop));
  CUTLAB_TRY(cutlab_report_progress(context, "drawing figures", 0, count));
  CUTLAB_TRY(draw_svg(context, &missing, folder, workshop, figures, count));
  if (!missing) return convert_all(context, folder, workshop, figures, count);
  cutlab_warn(context, "node was not found: figures as .vl.json only, not as .svg, .pdf and "
                       ".png; install nodejs");
  return CUTLAB_OK;
}

static cutlab_status draw_in_workshop(cutlab_context *context, const char *folder,
                                      const cutlab_report_figure *figures, int count) {
  const char *base = getenv("TMPDIR");
  char *workshop = cutlab_path_join(context, base && *base ? base : "/tmp", "cutlab-XXXXXX");
  cutlab_status status = workshop ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (workshop && mkdtemp(workshop)) {
    status = draw(context, folder, workshop, figures, count);
    /* Removing must not change the message of a failure. */
    remove_workshop(context, workshop);
  } else if (workshop) {
    status = cutlab_fail(context, CUTLAB_ERROR_IO, "cannot make a folder %s: %m", workshop);
  }
  free(workshop);
  return status;
}

cutlab_status cutlab_report_remove(cutlab_context *context, const char *folder, const char *name) {
  char *path = cutlab_path_join(context, folder, name);
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = CUTLAB_OK;
  struct stat there;
  /* A read-only file system refuses also where there is nothing to remove. */
  if (lstat(path, &there) == 0 && unlink(path) != 0)
    status =
        cutlab_fail(context, CUTLAB_ERROR_IO, "cannot remove %s, of an earlier report: %m", path);
  free(path);
  return status;
}

cutlab_status cutlab_report_remove_figure(cutlab_context *context, const char *folder,
                                          const char *name) {
  for (int i = 0; i < extension_count; ++i) {
    char *file = NULL;
    if (asprintf(&file, "figures/%s%s", name, extensions[i]) < 0)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: figure %s", name);
    cutlab_status status = cutlab_report_remove(context, folder, file);
    free(file);
    CUTLAB_TRY(status);
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_report_render(cutlab_context *context, const char *folder,
                                   const cutlab_report_figure *figures, int count) {
  char *path = cutlab_path_join(context, folder, "figures");
  /* The stale figures, borrowed. */
  cutlab_report_figure *stale = cutlab_allocate(context, count, sizeof *stale);
  int stale_count = 0;
  cutlab_status status = path && stale ? cutlab_folder_make(context, path) : CUTLAB_ERROR_MEMORY;
  free(path);
  for (int i = 0; status == CUTLAB_OK && i < count; ++i) {
    bool drawn_anew;
    status = write_spec(context, &drawn_anew, folder, &figures[i]);
    if (drawn_anew) stale[stale_count++] = figures[i];
  }
  if (status == CUTLAB_OK && stale_count)
    status = draw_in_workshop(context, folder, stale, stale_count);
  free(stale);
  return status;
}
