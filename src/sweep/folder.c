/* Finding journals by their names. */
#include "sweep/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void cutlab_journal_file(char name[cutlab_journal_name], int64_t shard, int64_t shards) {
  if (shards)
    snprintf(name, cutlab_journal_name, "journal-%lld-of-%lld.sqlite", (long long)shard + 1,
             (long long)shards);
  else
    snprintf(name, cutlab_journal_name, "journal.sqlite");
}

/* Whether a name is that of a journal; *shards: of how many, 0 for that of all. */
static bool is_journal(const char *name, int64_t *shards) {
  static const char first[] = "journal-", second[] = "-of-";
  char again[cutlab_journal_name], *end;
  *shards = 0;
  if (strcmp(name, "journal.sqlite") == 0) return true;
  if (strncmp(name, first, sizeof first - 1) != 0) return false;
  long long shard = strtoll(name + sizeof first - 1, &end, 10);
  if (strncmp(end, second, sizeof second - 1) != 0) return false;
  long long count = strtoll(end + sizeof second - 1, NULL, 10);
  if (shard < 1 || count < shard) return false;
  cutlab_journal_file(again, shard - 1, count);
  *shards = count;
  return strcmp(name, again) == 0;
}

static int select_journal(const struct dirent *entry) {
  int64_t shards;
  return is_journal(entry->d_name, &shards);
}

cutlab_status cutlab_folder_check(cutlab_context *context, const char *folder) {
  static const char *const names[] = {"sweep.yaml", "results.csv", "runs.csv",      "results.npz",
                                      "sweep.json", "report.html", "boundaries.csv"};
  struct dirent **entries = NULL;
  int journals = scandir(folder, &entries, select_journal, NULL);
  for (int i = 0; i < journals; ++i) free(entries[i]);
  free(entries);
  for (int i = 0; journals <= 0 && i < (int)(sizeof names / sizeof *names); ++i) {
    char *path = cutlab_path_join(context, folder, names[i]);
    if (!path) return CUTLAB_ERROR_MEMORY;
    bool there = cutlab_file_exists(path);
    free(path);
    if (there && i == 0) return CUTLAB_OK;
    if (there)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s holds %s, and neither a journal nor a sweep.yaml: it is not a "
                         "sweep's; choose another folder",
                         folder, names[i]);
  }
  return CUTLAB_OK;
}

static cutlab_status read_one(cutlab_book *book, const char *folder, const char *name) {
  char *path = cutlab_path_join(book->context, folder, name);
  cutlab_status status = path ? cutlab_book_read(book, path) : CUTLAB_ERROR_MEMORY;
  free(path);
  return status;
}

cutlab_status cutlab_folder_read_journals(cutlab_book *book, int *found, int64_t *shards,
                                          const char *folder, const char *but) {
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, select_journal, alphasort);
  int64_t common = -1;
  if (count < 0)
    return cutlab_fail(book->context, CUTLAB_ERROR_IO, "cannot open %s: %s", folder,
                       strerror(errno));
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < count; ++i) {
    int64_t these;
    const char *name = entries[i]->d_name;
    if (status == CUTLAB_OK && (!but || strcmp(name, but) != 0))
      status = read_one(book, folder, name);
    if (is_journal(name, &these) && these) common = common < 0 || common == these ? these : 0;
    free(entries[i]);
  }
  free(entries);
  if (found) *found = count;
  if (shards) *shards = common > 0 ? common : 0;
  return status;
}
