/** The most bytes one message has, on every transport and in both directions. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** The most bytes the metadata of one call has, names and values together. */
export const METADATA_BYTES_MAX = 16 * 1024;
/** How many unread bytes of one stream a receiver holds before it stops its sender. */
export const UNREAD_BYTES_MAX = 2 * 1024 * 1024;
/** How many unread messages of one stream a receiver holds before it stops its sender. */
export const UNREAD_MESSAGES_MAX = 256;
