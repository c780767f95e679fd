import { type KeyCodec, u64 } from "@cairnfs/kv/ordered-key";

declare const inodeIdBrand: unique symbol;
declare const contentIdBrand: unique symbol;
declare const domainIdBrand: unique symbol;
declare const trashIdBrand: unique symbol;

/** A directory, or a file as it was put. Never reused; shares its number space with contents. */
export type InodeId = number & { readonly [inodeIdBrand]: true };
/** The bytes of a file, which its copies share. Never reused. */
export type ContentId = number & { readonly [contentIdBrand]: true };
/** Within what chunks are shared without proof: the inode of a top-level directory, or one content alone. */
export type DomainId = number & { readonly [domainIdBrand]: true };
/** One removal that went to the trash. Never reused; grows with the time of the removal, roughly. */
export type TrashId = number & { readonly [trashIdBrand]: true };

/** The directory that the root's own entry is in; it has no other. */
export const ABOVE_ROOT_ID = inodeId(0);
export const ROOT_ID = inodeId(1);
/** Ids from here on are handed out. */
export const FIRST_FREE_ID = 2;

/** Brands a number that the allocator gave or a record holds. */
export function inodeId(id: number): InodeId {
  return id as InodeId;
}

/** Brands a number that the allocator gave, a record holds or a caller names. */
export function contentId(id: number): ContentId {
  return id as ContentId;
}

export function domainId(id: number): DomainId {
  return id as DomainId;
}

export function trashId(id: number): TrashId {
  return id as TrashId;
}

// A brand is a number in all but its type, so these are u64 codecs as they are.
export const inodeIdKey = u64 as KeyCodec<InodeId>;
export const contentIdKey = u64 as KeyCodec<ContentId>;
export const trashIdKey = u64 as KeyCodec<TrashId>;
export const domainIdKey = u64 as KeyCodec<DomainId>;
