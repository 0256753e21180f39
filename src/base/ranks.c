/* Finding out that a process is one of several, and loading the module that lets them talk. */
#include "base/ranks.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUTLAB_LIBRARY_FOLDER
#define CUTLAB_LIBRARY_FOLDER "lib"
#endif

static const char module_name[] = "libcutlab_mpi.so";

static int number_of(const char *variable) {
  const char *text = getenv(variable);
  char *end;
  long number = text && *text ? strtol(text, &end, 10) : -1;
  return number >= 0 && number < INT_MAX && !*end ? (int)number : -1;
}

/* Launchers give each process its size and rank: Open MPI's mpirun; Hydra and Slurm by PMI; Slurm
   by PMIx, in steps alone: the script of a batch job is one process whatever it asked for. */
cutlab_job cutlab_job_of_environment(void) {
  static const char *const variables[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                             {"PMI_SIZE", "PMI_RANK"},
                                             {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"}};
  const char *alone = getenv("CUTLAB_ALONE");
  if (alone && *alone && strcmp(alone, "0") != 0) return (cutlab_job){0, 1};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i) {
    cutlab_job job = {number_of(variables[i][1]), number_of(variables[i][0])};
    if (job.count >= 1 && job.rank >= 0 && job.rank < job.count) return job;
  }
  return (cutlab_job){0, 1};
}

/* The folder of the library, or of the program that it is part of. */
static bool own_folder(char folder[PATH_MAX]) {
  Dl_info info;
  char *slash = NULL;
  if (dladdr(module_name, &info) && strchr(info.dli_fname, '/') &&
      realpath(info.dli_fname, folder)) {
    slash = strrchr(folder, '/');
  } else {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length > 0) folder[length] = 0, slash = strrchr(folder, '/');
  }
  if (slash) *slash = 0;
  return slash != NULL;
}

/* In cutlab/ beside the library as installed, beside it as built, and where it would be installed
   seen from a program in bin/. */
static bool find_module(char path[PATH_MAX]) {
  static const char *const places[] = {"cutlab", ".", "../" CUTLAB_LIBRARY_FOLDER "/cutlab"};
  const char *given = getenv("CUTLAB_MPI_MODULE");
  char folder[PATH_MAX];
  if (given && *given) return snprintf(path, PATH_MAX, "%s", given) < PATH_MAX;
  for (size_t i = 0; own_folder(folder) && i < sizeof places / sizeof *places; ++i)
    if (snprintf(path, PATH_MAX, "%s/%s/%s", folder, places[i], module_name) < PATH_MAX &&
        access(path, R_OK) == 0)
      return true;
  return false;
}

/* The module's function, or NULL with a message. */
static cutlab_ranks_join_fn load(cutlab_context *context, int count) {
  char path[PATH_MAX];
  cutlab_ranks_join_fn join;
  if (!find_module(path)) {
    cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                "this job has %d processes, but CutLab finds no %s beside it: build it with MPI, "
                "name the module in CUTLAB_MPI_MODULE, or set CUTLAB_ALONE=1 where each process is "
                "to work on its own",
                count, module_name);
    return NULL;
  }
  /* Open MPI's own plugins look for its symbols among the global ones. */
  void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  *(void **)&join = module ? dlsym(module, "cutlab_ranks_join") : NULL;
  if (join) return join;
  const char *error = dlerror();
  cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
              "this job has %d processes, but %s cannot be loaded: %s", count, path,
              error ? error : "not a module of CutLab");
  return NULL;
}

cutlab_status cutlab_ranks_join_job(cutlab_context *context, const cutlab_ranks **ranks) {
  cutlab_job job = cutlab_job_of_environment();
  char message[512] = "";
  *ranks = NULL;
  if (job.count == 1) return CUTLAB_OK;
  cutlab_ranks_join_fn join = load(context, job.count);
  if (!join) return CUTLAB_ERROR_UNSUPPORTED;
  const cutlab_ranks *joined = join(message, sizeof message);
  if (!joined)
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "cannot join the %d processes: %s",
                       job.count, message);
  if (joined->version != cutlab_ranks_version)
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                       "%s is of another version of CutLab (%d, not %d)", module_name,
                       joined->version, cutlab_ranks_version);
  if (joined->count == job.count) {
    *ranks = joined;
    return CUTLAB_OK;
  }
  int count = joined->count;
  joined->leave(joined);
  return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                     "this job has %d processes, but the MPI that CutLab was built with sees %d; "
                     "start it with mpirun of the same MPI, or srun --mpi=pmix",
                     job.count, count);
}

void cutlab_sum_over_ranks(const cutlab_context *context, double *values, int64_t count) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  if (ranks) ranks->sum(ranks, values, count);
}

void cutlab_largest_over_ranks(const cutlab_context *context, double *values, int64_t count) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  if (ranks) ranks->largest(ranks, values, count);
}

void cutlab_broadcast_over_ranks(const cutlab_context *context, void *bytes, int64_t size) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  if (ranks) ranks->broadcast(ranks, bytes, size, 0);
}

cutlab_status cutlab_agree_over_ranks(cutlab_context *context, cutlab_status status) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  if (!ranks) return status;
  double first = status == CUTLAB_OK ? -INT_MAX : -ranks->rank;
  ranks->largest(ranks, &first, 1);
  if (first == -INT_MAX) return CUTLAB_OK;
  struct {
    int status;
    char message[1024];
  } failure = {(int)status, ""};
  snprintf(failure.message, sizeof failure.message, "%s", cutlab_context_message(context));
  ranks->broadcast(ranks, &failure, sizeof failure, (int)-first);
  return cutlab_fail(context, (cutlab_status)failure.status, "%s", failure.message);
}
