// Who there is and what they may, from realm.json. It is read at every question, so that a test can
// take somebody's role away while the provider runs.
import fs from 'node:fs';

// A role and what it implies, as Keystone's bootstrap makes it.
const IMPLIED = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
};

export class Realm {
  constructor(path) {
    this.path = path;
  }

  read() {
    return JSON.parse(fs.readFileSync(this.path));
  }

  user(name) {
    const { users } = this.read();
    return Object.hasOwn(users, name) ? users[name] : undefined;
  }

  // Roles of a user or service in one project; empty when there are none.
  roles(name, domain, project) {
    const { users, services } = this.read();
    const known = { ...users, ...services };
    if (!Object.hasOwn(known, name)) return [];
    const projects = known[name].projects[domain] ?? {};
    if (!Object.hasOwn(projects, project)) return [];
    return [...new Set(projects[project].flatMap((role) => IMPLIED[role] ?? [role]))];
  }

  // All rights as the names of groups that the mappings of deploy/oidc look for.
  groups(name) {
    const { users, services } = this.read();
    const projects = (users[name] ?? services[name]).projects;
    return Object.entries(projects).flatMap(([domain, inDomain]) =>
      Object.keys(inDomain).flatMap((project) =>
        this.roles(name, domain, project).map((role) => `fed:${domain}:${project}:${role}`)));
  }
}
