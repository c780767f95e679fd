/** The release that this code is: the version of every package of the repository. */
export const RELEASE = "0.1.0";
