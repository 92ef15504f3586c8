import { patternFrom, type PathShape } from '#src/routing/path-pattern.js';
import { PathTree } from '#src/routing/path-tree.js';
import { expect } from 'chai';

const shapeOf = (path: string): PathShape => patternFrom(path).shape;

/** Each path is kept as its place in the list. */
const treeOf = (...paths: string[]): PathTree => {
  const tree = new PathTree();
  paths.forEach((path, place) => tree.add(shapeOf(path), [place]));
  return tree;
};

describe('PathTree', () => {
  it('finds what is kept for every shape that a path has, ascending', () => {
    const paths = ['/*', '/a/b', '/:x/b', '/a/:y', '/a/b/*', '/:x', '/a/b/c', '/a/:y/*', '/:x/:y/:z'];
    const tree = treeOf(...paths);
    const asked = ['/', '/a', '/z', '/a/b', '/a/z', '/z/b', '/z/z', '/a/b/c', '/a/b/z', '/a/z/c', '/z/b/c', '/a/b/c/d', '/z/z/z/z'];
    for (const path of asked) {
      const found = tree.find(path) ?? [];
      expect([...found].sort(), path).to.deep.equal(found);
      const missing = paths.filter((text, place) => patternFrom(text).bind(path, null) !== null && !found.includes(place));
      expect(missing, path).to.deep.equal([]);
    }
    expect(tree.find('/z')).to.deep.equal([0, 5]);
  });

  it('finds nothing where no shape is left', () => {
    expect(new PathTree().find('/a')).to.equal(null);
    const tree = treeOf('/a', '/b/c', '/b/d');
    expect(tree.find('/c')).to.equal(null);
    expect(tree.find('/b')).to.equal(null);
    expect(tree.find('/b/z')).to.equal(null);
    expect(tree.find('/')).to.equal(null);
  });

  it('takes no notice of a slash at the end', () => {
    const tree = treeOf('/a/', '/b', '/');
    expect(tree.find('/a')).to.deep.equal([0]);
    expect(tree.find('/b/')).to.deep.equal([1]);
    expect(tree.find('/')).to.deep.equal([2]);
  });

  it('looks no further than there is a choice', () => {
    const tree = treeOf('/a/:x/b', '/c/d');
    expect(tree.find('/a/anything/else'), 'for the pattern to refuse').to.deep.equal([0]);
    tree.add(shapeOf('/a/:x/c'), [2]);
    expect(tree.find('/a/anything/else')).to.equal(null);
    expect(tree.find('/a/anything/b')).to.deep.equal([0]);
    expect(tree.find('/a/anything/c')).to.deep.equal([2]);
  });

  it('gives the very list that is kept, and makes none, where one shape is found', () => {
    const kept = [1, 2, 3];
    const tree = treeOf('/x/y', '/x/z');
    tree.add(shapeOf('/a/:x'), kept);
    tree.add(shapeOf('/a'), [4]);
    expect(tree.find('/a/7')).to.equal(kept);
  });
});
