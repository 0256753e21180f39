/* Folders of images: their order, their classes, and which are refused. */
#include <unistd.h>

#include "image_files.h"

static void assert_name(const fixture *f, const cutlab_images *images, int index,
                        const char *name) {
  char *path = path_of(f, name);
  assert_string_equal(images->names[index], path);
  free(path);
}

static void test_folder(void **state) {
  fixture *f = *state;
  cutlab_images images, one;
  make_folder(f, "d");
  put_buffer(f, "d/a.jpg", small_jpeg(4, 6, false, 0));
  put_buffer(f, "d/B.png", small_png(4, 6, 3));
  put_buffer(f, "d/no ending", small_png(4, 6, 3));
  put(f, "d/notes.txt", "text", 4);
  put(f, "d/.hidden.png", "\x89PNG\r\n\x1a\n", 8);
  put(f, "d/empty", "", 0);
  read_well(f, &images, "d", "folder");
  assert_shape(&images, 4, 3, 4, 6, 3);
  assert_null(images.labels);
  static const char *const names[] = {"d/B.png", "d/a.jpg", "d/no ending"};
  for (int i = 0; i < 3; ++i) {
    assert_name(f, &images, i, names[i]);
    read_well(f, &one, names[i], i == 1 ? "jpeg" : "png");
    assert_memory_equal((uint8_t *)images.pixels.data + 72 * i, one.pixels.data, 72);
    cutlab_images_clear(&one);
  }
  cutlab_images_clear(&images);
  refuse_limited(f, "d", (cutlab_image_limits){.bytes = 215}, "3 images of 4 x 6 x 3");
}

/* Named as an image, but none: lost by a copy that was broken off, or another format renamed. */
static void test_damaged_images(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"d/b/2.png", "d/b/2.PNG", "d/b/2.jpg", "d/b/2.x.Jpeg"};
  make_folder(f, "d/b");
  put_buffer(f, "d/b/1.png", small_png(2, 3, 1));
  for (int i = 0; i < 4; ++i) {
    char *path = path_of(f, names[i]);
    put(f, names[i], "", 0);
    refuse(f, "d", "/2.");
    assert_message(f->context, path);
    assert_message(f->context, ": an empty file; accepted under this name: a PNG or JPEG file");
    put(f, names[i], "\x89PNG\r\n\x1a", 7);
    refuse(f, "d", ": neither PNG nor JPEG; accepted under this name");
    assert_message(f->context, path);
    assert_int_equal(unlink(path), 0);
    free(path);
  }
  put_buffer(f, "d/b/2.JPG", small_png(2, 3, 1)); /* content decides which of them it is */
  cutlab_images images;
  read_well(f, &images, "d", "folder");
  assert_int_equal(images.pixels.shape[0], 2);
  cutlab_images_clear(&images);
}

typedef struct warnings {
  int count;
  char last[512];
} warnings;

static void keep_warning(void *user, const char *message) {
  warnings *kept = user;
  ++kept->count;
  snprintf(kept->last, sizeof kept->last, "%s", message);
}

static void assert_warning(warnings *kept, const char *part) {
  if (kept->count != 1 || !strstr(kept->last, part))
    fail_msg("%d warnings, the last '%s'; not one with '%s'", kept->count, kept->last, part);
  kept->count = 0;
}

static void test_other_files(void **state) {
  fixture *f = *state;
  cutlab_images images;
  warnings kept = {0};
  cutlab_context_set_warning(f->context, keep_warning, &kept);
  make_folder(f, "d/cat");
  make_folder(f, "d/dog");
  put_buffer(f, "d/cat/1.png", small_png(2, 3, 1));
  put(f, "d/cat/.hidden.png", "", 0);
  put(f, "d/.DS_Store", "x", 1);
  read_well(f, &images, "d", "folder");
  cutlab_images_clear(&images);
  assert_int_equal(kept.count, 0);
  put(f, "d/dog/2.webp", "RIFF", 4);
  read_well(f, &images, "d", "folder");
  cutlab_images_clear(&images);
  assert_warning(&kept, "d: 1 file passed over, neither PNG nor JPEG: ");
  assert_non_null(strstr(kept.last, "d/dog/2.webp"));
  put(f, "d/dog/3.webp", "", 0);
  put(f, "d/Thumbs.db", "x", 1);
  put(f, "d/cat/png", "text", 4);
  read_well(f, &images, "d", "folder");
  assert_int_equal(images.pixels.shape[0], 1);
  cutlab_images_clear(&images);
  assert_warning(&kept, "d: 4 files passed over, neither PNG nor JPEG: ");
  assert_non_null(strstr(kept.last, "d/Thumbs.db is the first"));
  put_buffer(f, "d/dog/4.png", small_png(2, 3, 2)); /* an error after the list was made */
  refuse(f, "d", "d/dog/4.png: 2 x 3 x 2");
  put(f, "d/dog/4.png", "", 0); /* and one while it is */
  refuse(f, "d", "d/dog/4.png: an empty file");
}

static void test_folder_of_classes(void **state) {
  fixture *f = *state;
  cutlab_images images;
  static const char *const folders[] = {"c/Zoo", "c/ant/images/deep", "c/bee", "c/empty", "c/fly"};
  for (int i = 0; i < 5; ++i) make_folder(f, folders[i]);
  static const char *const names[] = {"c/Zoo/2.png", "c/Zoo/3.png", "c/ant/images/deep/1.png",
                                      "c/ant/x.png", "c/bee/0.png", "c/fly/7.png"};
  static const int64_t labels[] = {0, 0, 1, 1, 2, 4};
  for (int i = 0; i < 6; ++i) put_buffer(f, names[i], small_png(2, 2, 1));
  put(f, "c/README", "classes", 7);
  read_well(f, &images, "c", "folder");
  assert_shape(&images, 4, 6, 2, 2, 1);
  for (int i = 0; i < 6; ++i) {
    assert_name(f, &images, i, names[i]);
    assert_int_equal(images.labels[i], labels[i]);
  }
  cutlab_images_clear(&images);
  put_buffer(f, "c/b.png", small_png(2, 2, 1));
  refuse(f, "c", "images both in class folders and beside them (");
  assert_message(f->context, "c/Zoo/2.png");
  assert_message(f->context, "c/b.png");
}

static void test_refused_folders(void **state) {
  fixture *f = *state;
  make_folder(f, "d");
  refuse(f, "d", "a folder without PNG or JPEG files");
  put_buffer(f, "d/1.png", small_png(2, 3, 1));
  put_buffer(f, "d/2.png", small_png(3, 2, 1));
  refuse(f, "d", "d/1.png: 2 x 3 x 1 (height x width x channels), but ");
  assert_message(f->context, "d/2.png: 3 x 2 x 1; accepted: one size");
  put_buffer(f, "d/2.png", small_png(2, 3, 2));
  refuse(f, "d", "d/2.png: 2 x 3 x 2");
  buffer png = small_png(2, 3, 1);
  put(f, "d/2.png", png.bytes, png.size - 20);
  free(png.bytes);
  refuse(f, "d", "d/2.png: truncated: the file ends at byte");
  cutlab_image_limits negative = {.bytes = -5};
  cutlab_images images;
  assert_int_equal(read_with(f, &images, "d", &negative), CUTLAB_ERROR_ARGUMENT);
  char *link = path_of(f, "d/circle");
  assert_int_equal(symlink(".", link), 0);
  refuse(f, "d", "folders in folders; accepted: at most 8 below the first");
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink("nowhere", link), 0);
  assert_int_equal(read_with(f, &images, "d", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "d/circle");
  free(link);
}

static void test_depth_of_folders(void **state) {
  fixture *f = *state;
  cutlab_images images;
  make_folder(f, "d/1/2/3/4/5/6/7/8");
  put_buffer(f, "d/1/2/3/4/5/6/7/8/x.png", small_png(2, 3, 1));
  read_well(f, &images, "d", "folder");
  assert_int_equal(images.labels[0], 0);
  cutlab_images_clear(&images);
  make_folder(f, "d/1/2/3/4/5/6/7/8/9");
  refuse(f, "d", "folders in folders; accepted: at most 8 below the first");
}

static int stop(void *user, const cutlab_progress *progress) {
  *(int64_t *)user = progress->total;
  return 1;
}

static void test_folder_can_be_cancelled(void **state) {
  fixture *f = *state;
  cutlab_images images;
  int64_t total = 0;
  make_folder(f, "d");
  put_buffer(f, "d/1.png", small_png(2, 3, 1));
  char *path = path_of(f, "d");
  cutlab_context_set_progress(f->context, stop, &total);
  assert_int_equal(cutlab_images_read(f->context, &images, path, NULL), CUTLAB_CANCELLED);
  assert_int_equal(total, 1);
  assert_null(images.pixels.data);
  free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_folder),
      TEST(test_damaged_images),
      TEST(test_other_files),
      TEST(test_folder_of_classes),
      TEST(test_refused_folders),
      TEST(test_depth_of_folders),
      TEST(test_folder_can_be_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
