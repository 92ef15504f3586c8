/** Keeps the version of `CHANGELOG.md` and of `package.json` the same. */
export function changelogComplaint(changelog: string, manifest: string): string | undefined {
  const heading = /^## (\S+)/m.exec(changelog)?.[1];
  const { version } = JSON.parse(manifest) as { version: string };
  return heading === version ? undefined : `CHANGELOG.md begins with ${heading ?? 'no version'}, package.json says ${version}`;
}
