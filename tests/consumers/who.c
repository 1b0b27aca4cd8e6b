/* Who is 4224? On an embedded sandbox. */
#include <stdio.h>

#include <isymphony.h>

int main(void)
{
    isym_sandbox *sandbox = NULL;
    isym_live *live = NULL;
    isym_snapshot *snap = NULL;
    isym_extension extension = {0};
    isym_error *error = NULL;
    isym_status status = isym_sandbox_new(NULL, &sandbox, &error);
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    if (status != ISYM_OK || (status = isym_live_open(config, &live, &error)) != ISYM_OK
        || (status = isym_live_wait(live, 10000, &error)) != ISYM_OK
        || (status = isym_live_snapshot(live, ISYM_ANY_AGE, &snap, &error)) != ISYM_OK)
        fprintf(stderr, "%s\n", isym_error_message(error).ptr);
    else if ((status = isym_snapshot_extension(snap, "default", "4224", &extension)) == ISYM_OK)
        printf("4224 is %s\n", isym_extension_display_name(extension).ptr);
    isym_error_free(error);
    isym_snapshot_free(snap);
    isym_live_free(live);
    isym_config_free(config);
    isym_sandbox_free(sandbox);
    return status != ISYM_OK;
}
