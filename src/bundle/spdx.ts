/** The parts of SPDX 2.3 that our documents use. */

export interface ExternalRef {
  readonly referenceCategory: 'PACKAGE-MANAGER' | 'SECURITY' | 'OTHER';
  readonly referenceType: string;
  readonly referenceLocator: string;
}

export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo: string;
  readonly packageFileName?: string;
  readonly primaryPackagePurpose?: 'ARCHIVE' | 'APPLICATION' | 'SOURCE';
  readonly supplier: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: false;
  readonly checksums?: readonly { readonly algorithm: 'SHA256'; readonly checksumValue: string }[];
  readonly sourceInfo?: string;
  readonly licenseConcluded: 'NOASSERTION';
  readonly licenseDeclared: string;
  readonly licenseComments?: string;
  readonly externalRefs?: readonly ExternalRef[];
}

export interface SpdxRelationship {
  readonly spdxElementId: string;
  readonly relationshipType:
    | 'DESCRIBES'
    | 'CONTAINS'
    | 'DEPENDS_ON'
    | 'DYNAMIC_LINK'
    | 'BUILD_TOOL_OF'
    | 'BUILD_DEPENDENCY_OF'
    | 'RUNTIME_DEPENDENCY_OF'
    | 'PATCH_APPLIED'
    | 'STATIC_LINK';
  readonly relatedSpdxElement: string;
  readonly comment?: string;
}

/** A document of SPDX 2.3, in its JSON form. */
export interface SpdxDocument {
  readonly spdxVersion: 'SPDX-2.3';
  readonly dataLicense: 'CC0-1.0';
  readonly SPDXID: 'SPDXRef-DOCUMENT';
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly SpdxRelationship[];
  readonly hasExtractedLicensingInfos?: readonly LicenceText[];
}

export interface LicenceText {
  readonly licenseId: string;
  readonly name: string;
  readonly extractedText: string;
  readonly seeAlsos?: readonly string[];
}
