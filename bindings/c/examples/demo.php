<?php
/* The live state of a telephony server from PHP, by its FFI: names resolved, a call made and watched.
 *
 *     php -d ffi.enable=1 demo.php                            on an embedded sandbox
 *     php -d ffi.enable=1 demo.php http://pbx:58080           on a real server: looks, and touches nothing
 *
 * The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL. ISYMPHONY_CDEF is the file
 * isymphony.cdef, which is installed beside isymphony.h; ISYMPHONY_LIB is the library.
 */

$isym = FFI::cdef(
    file_get_contents(getenv('ISYMPHONY_CDEF') ?: '/usr/local/include/isymphony.cdef'),
    getenv('ISYMPHONY_LIB') ?: 'libisymphony.so.0'
);

/* A text of the library as one of PHP's. */
function text(FFI\CData $text): string
{
    return FFI::string($text->ptr, $text->len);
}

/* Calls a function that can fail, with its arguments, and throws what went wrong. */
function call(string $function, mixed ...$arguments): void
{
    global $isym;
    $error = $isym->new('isym_error *');
    if ($isym->$function(...[...$arguments, FFI::addr($error)]) === $isym->ISYM_OK) {
        return;
    }
    $message = text($isym->isym_error_message($error));
    $isym->isym_error_free($error);
    throw new RuntimeException($message);
}

/* Calls a function that can fail and makes an object or a value of this type. */
function made(string $type, string $function, mixed ...$arguments): FFI\CData
{
    global $isym;
    $made = $isym->new($type);
    call($function, ...[...$arguments, FFI::addr($made)]);
    return $made;
}

function connect(string $url): FFI\CData
{
    global $isym;
    $config = $isym->isym_config_new($url);
    if (getenv('ISYMPHONY_USERNAME') && getenv('ISYMPHONY_PASSWORD')) {
        call('isym_config_set_credentials', $config, getenv('ISYMPHONY_USERNAME'), getenv('ISYMPHONY_PASSWORD'));
    }
    $live = made('isym_live *', 'isym_live_open', $config);
    $isym->isym_config_free($config);
    call('isym_live_wait', $live, 10000);
    return $live;
}

/* Who is 4224? */
function show(FFI\CData $live): void
{
    global $isym;
    $snapshot = made('isym_snapshot *', 'isym_live_snapshot', $live, $isym->ISYM_ANY_AGE);
    $path = 'coreServers/getByName/default/extensions/getByName/4224';
    $resource = made('isym_resource', 'isym_snapshot_resolve', $snapshot, $path);
    $extension = $isym->new('isym_extension');
    $isym->isym_resource_as_extension($resource, FFI::addr($extension));
    $raw = $isym->isym_resource_raw($resource);
    $all = json_decode(text($isym->isym_text_str($raw)), true);
    $isym->isym_text_free($raw);
    printf("%s\n  is %s, %s\n", $path, $all['id'], text($isym->isym_extension_display_name($extension)));
    $isym->isym_snapshot_free($snapshot);
}

/* Makes a call, and takes changes until it shows. */
function act(FFI\CData $live): void
{
    global $isym;
    $watch = made('isym_watch *', 'isym_live_watch', $live, 1 << $isym->ISYM_KIND_CALL_SEGMENT, null, false, false);
    $ticket = made('isym_ticket *', 'isym_extension_originate', $live, null, '4224', '5551234');
    $accepted = $isym->isym_ticket_outcome($ticket) === $isym->ISYM_OUTCOME_ACCEPTED;
    echo '4224 calls 5551234: ', $accepted ? 'accepted' : 'nobody knows', "\n";
    $change = made('isym_change', 'isym_watch_next', $watch, 10000);
    $call = $isym->new('isym_call_segment');
    $isym->isym_resource_as_call_segment($change->resource, FFI::addr($call));
    echo '  a new call: ', text($isym->isym_call_segment_type($call)), "\n";
    $isym->isym_ticket_free($ticket);
    $isym->isym_watch_free($watch);
}

$sandbox = isset($argv[1]) ? null : made('isym_sandbox *', 'isym_sandbox_new', null);
$live = connect($argv[1] ?? text($isym->isym_sandbox_url($sandbox)));
echo 'isymphony ', text($isym->isym_version()), ' in PHP ', PHP_VERSION, "\n";
show($live);
if ($sandbox) {
    act($live);
}
$isym->isym_live_free($live);
if ($sandbox) {
    $isym->isym_sandbox_free($sandbox);
}
