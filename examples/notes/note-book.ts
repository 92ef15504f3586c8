/** All notes, in memory, and a topic of what becomes of them. */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { topic, type Topic } from 'rx-http-kit';

export interface Note {
  readonly id: string;
  readonly author: string;
  readonly text: string;
  /** ISO 8601. */
  readonly writtenAt: string;
  /** What its author calls the file that belongs to it. */
  readonly attachment?: string;
}

/** What somebody wants to write. */
export interface Draft {
  readonly text: string;
  /** A file that is on disk for now; the note book moves it to its own folder. */
  readonly upload?: { readonly path: string; readonly filename: string } | undefined;
}

export type Change = { readonly written: Note } | { readonly removed: string };

/** Past it the oldest note goes. */
const MAX_NOTES = 500;

export class NoteBook {
  /** Whoever has a list of notes and hears the changes behind its cursor has the list of now. */
  readonly changes: Topic<Change>;
  private readonly notes: Map<string, Note>;
  private readonly folder: string;

  constructor(folder: string) {
    this.changes = topic<Change>('notes', { history: 1_000 });
    this.notes = new Map();
    this.folder = folder;
  }

  /** The oldest first. */
  all(): readonly Note[] {
    return [...this.notes.values()];
  }

  find(id: string): Note | undefined {
    return this.notes.get(id);
  }

  async write(author: string, { text, upload }: Draft): Promise<Note> {
    const id = randomUUID();
    if (upload !== undefined) await rename(upload.path, this.pathOf(id));
    const note = { id, author, text, writtenAt: new Date().toISOString(), attachment: upload?.filename };
    this.notes.set(id, note);
    this.changes.publish({ written: note });
    const [oldest] = this.notes.keys();
    if (this.notes.size > MAX_NOTES) await this.remove(oldest);
    return note;
  }

  async remove(id: string): Promise<void> {
    if (!this.notes.delete(id)) return;
    this.changes.publish({ removed: id });
    await rm(this.pathOf(id), { force: true });
  }

  /** Where the attachment of a note is: under a name of ours, never a client's. */
  pathOf(id: string): string {
    return join(this.folder, id);
  }
}
