/** Tests that are not run or fail, by reason; each pattern is of ids without `glance.tests.functional.`. */
export interface LeftOut {
  title: string
  reasons: { reason: string; tests: RegExp }[]
}

export const leftOut: LeftOut[] = [
  {
    title: 'They are not about the API',
    reasons: [
      { reason: "They call Glance's database layer.", tests: /^db\.|^test_sqlite\./ },
      { reason: "They call a driver of Glance's image cache.", tests: /^image_cache\.drivers\./ },
      {
        reason: "They run Glance's other programs, glance-manage and glance-scrubber.",
        tests: /^test_glance_manage\.|^serial\.test_scrubber\./,
      },
      { reason: "They read the file that Glance's logging writes.", tests: /^test_logging\./ },
      {
        reason: "They start Glance's cleaner of its staging folder on files that they have put there.",
        tests: /^test_staging_cleanup\./,
      },
    ],
  },
  {
    title: "They reach into Glance's process",
    reasons: [
      {
        reason: "They hold back the thread that fills Glance's cache, and would race it if it ran.",
        tests: /test_cache_api\.TestImageCache\.(test_cache_clear|test_cache_image_queue_delete)$/,
      },
      {
        reason:
          "They write files into the folder of Glance's cache. What Vitrine's cache throws away is in test/features/cache.",
        tests:
          /\.test_cache_clean$|\.test_clean_cache$|TestImageCacheSqlite\.test_partial_download_of_cached_images_v2_api$/,
      },
      {
        reason: "They write attributes of an image into Glance's database.",
        tests:
          /TestParallelStoreImport\.test_parallel_(checksum_match_success|checksum_mismatch_fails|staged_size_mismatch_fails)$/,
      },
      {
        reason:
          "They look for a deleted image in Glance's database. That deleted ones count no more is in test/quota.",
        tests: /TestKeystoneQuotas\.test_image_(count|size)_total_with_delayed_delete$/,
      },
      {
        reason:
          'It replaces the code that verifies signatures of images; Vitrine verifies none, and refuses bytes for a signed image.',
        tests: /TestParallelStoreImport\.test_parallel_signed_import_success$/,
      },
      {
        reason:
          "They replace the client with which one Glance asks another for what it has staged; Vitrine's staged bytes are where all its processes reach them.",
        tests: /TestImportProxy\./,
      },
      {
        reason: "They hold an import up in the middle of Glance's code, or let its clock run out.",
        tests: /TestImageImportLocking\./,
      },
      {
        reason:
          'It switches off how Glance checks the places that it writes, and then writes one that is on no server.',
        tests: /TestImagesPolicy\.test_image_update_locations$/,
      },
    ],
  },
  {
    title: 'They set what Vitrine does not have as a setting',
    reasons: [
      {
        reason:
          "user_storage_quota, one bound in bytes for every project. Glance does not look at it where use_keystone_limits is on, which is what Vitrine has: Keystone's limits, and VITRINE_LIMIT_IMAGE_SIZE_TOTAL where it has none, both in MiB.",
        tests: /TestQuotas\./,
      },
    ],
  },
  {
    title: 'Vitrine answers otherwise',
    reasons: [
      {
        reason:
          'They want the image to be importing after its import has failed, where Glance leaves it for ever. In Vitrine it is queued, and the import can be tried again.',
        tests:
          /TestParallelStoreImport\.(test_parallel_all_stores_must_succeed_failure|test_parallel_all_target_stores_fail)$|TestImageDecompression\.test_decompress_zip_multiple_files_error$/,
      },
      {
        reason:
          "It wants the metadata of a location to be as it was sent, as Glance has it where enabled_backends is not set. Vitrine's stores always have names, and a location then tells its own, in Glance as in Vitrine.",
        tests: /TestImageLocationSelectionStrategy\./,
      },
      {
        reason:
          'It compares chunk_size, how many bytes a file store reads at once: 65536 in Glance, 1048576 in Vitrine, which tells what it does. The rest of the answer is in test/features/stores.',
        tests: /TestDiscovery\.test_stores$/,
      },
      {
        reason:
          "They set Glance's cache driver centralized_db, which keeps in the database what each server has cached. In Vitrine the files alone tell: 409, as Glance answers with each of its other drivers.",
        tests:
          /TestImageCache\.test_list_cached_nodes_(centralized_cache_enabled|invalid_uuid|nonexistent_image)$|TestCacheImagesPolicy\.test_list_cached_nodes/,
      },
      {
        reason:
          'They want to find queued for the cache what they have queued. Glance leaves that to a job that runs every five minutes; Vitrine fetches it at once.',
        tests: /TestCacheImagesPolicy\.test_(get_queued_images|delete_queued_images)$/,
      },
      {
        reason: 'It fills the cache above its bound, and has it pruned; Vitrine never lets it grow above.',
        tests: /TestImageCache\.test_cache_prune$/,
      },
    ],
  },
  {
    title: 'Keystone has no such callers',
    reasons: [
      {
        reason:
          "It claims roles without a project, which Keystone's tokens have for the system or a domain only. Who sees what is in test/images/visibility.test.ts.",
        tests: /TestImages\.test_image_visibility_to_different_users$/,
      },
    ],
  },
  {
    title: 'Glance itself skips them',
    reasons: [
      {
        reason:
          'One is skipped everywhere, the other where the Python module lhafile is missing, which Glance does not require. Vitrine unpacks gzip and zip, and takes LHA as it is.',
        tests: /TestImageDecompression\.test_decompress_lha/,
      },
      {
        reason: 'They are about extended attributes of files, for which the Python module xattr is missing.',
        tests: /TestImageCacheXattr\./,
      },
    ],
  },
]

const all = leftOut.flatMap(({ reasons }) => reasons)

/** An id as it is written here. */
export const short = (id: string) => id.replace(/^glance\.tests\.functional\./, '')

/** Why a test is left out; undefined when it is not. */
export const whyLeftOut = (id: string) => all.find(({ tests }) => tests.test(short(id)))?.reason
